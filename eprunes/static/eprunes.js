// What is nicer without a reload; every page works without this file.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("[data-focus]")?.focus();

  // A form that was sent is not sent twice by a double click.
  document.addEventListener("submit", (event) => {
    if (event.target.dataset.sent) { event.preventDefault(); return; }
    if (event.target.method === "post") event.target.dataset.sent = "1";
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent);
  });

  // Filters apply as soon as they are changed.
  document.querySelectorAll("form[data-autosubmit] select").forEach((select) =>
    select.addEventListener("change", () => select.form.requestSubmit()));

  // Pages that show work in progress look again until it has ended.
  const waiting = document.querySelector("[data-refresh]");
  if (waiting) setTimeout(() => window.location.reload(), Number(waiting.dataset.refresh) * 1000);

  // A choice shows only the fields that go with it.
  document.querySelectorAll("[data-shown-by]").forEach((part) => {
    const inputs = document.querySelectorAll(`input[name="${part.dataset.shownBy}"], select[name="${part.dataset.shownBy}"]`);
    const update = () => {
      const chosen = [...inputs].find((i) => i.tagName === "SELECT" || i.checked);
      part.hidden = !chosen || !part.dataset.shownFor.split(" ").includes(chosen.value);
    };
    inputs.forEach((input) => input.addEventListener("change", update));
    update();
  });
});
