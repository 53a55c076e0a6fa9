"""How a plan is told: as JSON (kept with the task, shown by the page, printed for scripts) and as French text."""

from dataclasses import asdict

from eprunes.accounts.quota import QuotaExceeded
from eprunes.core.wording import counted
from eprunes.fleet.importing.plan import Plan, SheetCounts

MISSING_SHOWN = 200


def as_json(plan: Plan) -> dict:
    """The plan for machines and pages; counts by sheet, every problem by line, every changed field."""
    return {
        "sheets": [_sheet(name, counts) for name, counts in plan.counts.items()],
        "problems": [asdict(problem) for problem in plan.problems],
        "remarks": [asdict(remark) for remark in plan.remarks],
        "changes": [asdict(change) for change in plan.changes],
        "created": {name: [asdict(one) for one in told] for name, told in plan.created.items()},
        "warnings": plan.warnings,
        "notes": plan.notes,
        "places": plan.places,
        "quota": quota_sentence(plan),
        "is_over_quota": plan.is_over_quota,
        "is_empty": plan.is_empty,
        "new_drivers": plan.new_drivers,
        "missing": _missing(plan),
        "digest": plan.digest(),
    }


def quota_sentence(plan: Plan) -> str:
    """Where the import would leave the order form's number of vehicles (C4.1-a)."""
    if plan.is_over_quota:
        refusal = QuotaExceeded(plan.places_used, plan.places_allowed, plan.places)
        return f"{refusal} Rien ne peut être importé."
    after = plan.places_used + plan.places
    return f"Véhicules comptés après l’import\u00a0: {after} sur {plan.places_allowed} prévus au bon de commande."


def as_lines(preview: dict) -> list[str]:
    """A preview as lines of text for a terminal."""
    lines = [sheet["sentence"] for sheet in preview["sheets"]]
    lines += [*preview["warnings"], preview["quota"], *preview["notes"]]
    if absent := preview["missing"]["count"]:
        lines.append(f"{counted(absent, 'véhicule')} du parc hors de ce fichier : rien n’y est changé.")
    lines += [f"Refusée – {problem_line(problem)}" for problem in preview["problems"]]
    lines += [f"À vérifier – {problem_line(remark)}" for remark in preview["remarks"]]
    return lines


def problem_line(problem: dict) -> str:
    """`Véhicules, ligne 12, « Immatriculation » : …`"""
    column = f", «\u00a0{problem['heading']}\u00a0»" if problem["heading"] else ""
    return f"{problem['sheet']}, ligne {problem['line']}{column}\u00a0: {problem['sentence']}"


def _missing(plan: Plan) -> dict:
    """The vehicles that the file does not have, those that can't leave first, and what becomes of them."""
    told = sorted(plan.missing, key=lambda one: not one.refusal)
    refused = sum(bool(one.refusal) for one in plan.missing)
    return {
        "count": len(plan.missing),
        "shown": [asdict(one) for one in told[:MISSING_SHOWN]],
        "unreadable": plan.unreadable_plates,
        "closing": plan.closing and {"at": plan.closing.at.isoformat(), "reason": plan.closing.reason},
        "closed": plan.closed,
        "refused": refused,
        "ended": plan.closed_holds,
    }


def _sheet(name: str, counts: SheetCounts) -> dict:
    return {
        "name": name,
        "title": counts.title,
        "lines": counts.lines,
        "created": counts.created,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "refused": counts.refused,
        "sentence": _counts_sentence(counts),
    }


def _counts_sentence(counts: SheetCounts) -> str:
    parts = (
        counted(counts.created, "à créer", "à créer"),
        counted(counts.changed, "à modifier", "à modifier"),
        counted(counts.unchanged, "inchangée"),
        counted(counts.refused, "refusée"),
    )
    return f"{counts.title}\u00a0: {counted(counts.lines, 'ligne lue', 'lignes lues')}, {', '.join(parts)}."
