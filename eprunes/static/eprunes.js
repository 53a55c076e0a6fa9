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

  // A list to pick from: the whole page at once, and buttons that say how many rows they act on.
  document.querySelectorAll("form[data-picks]").forEach((form) => {
    const rows = [...form.elements].filter((one) => one.name === "v" && !("every" in one.dataset));
    const page = form.querySelector("[data-every]"), found = form.querySelector("[data-found]");
    const count = () => {
      const ticked = rows.filter((one) => one.checked).length;
      page.checked = ticked === rows.length;
      const number = found?.checked ? Number(found.dataset.found) : ticked;
      form.querySelectorAll("[data-count]").forEach((one) => {
        const words = found?.checked && found.dataset.words || number.toLocaleString("fr-FR");
        one.textContent = number ? ` (${words})` : "";
        one.closest("button").disabled = !number;
      });
    };
    page.addEventListener("change", () => { rows.forEach((one) => { one.checked = page.checked; }); count(); });
    [...rows, found].forEach((one) => one?.addEventListener("change", count));
    window.addEventListener("pageshow", count);
  });

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
