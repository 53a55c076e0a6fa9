"""The table as people read it, and what it comes to."""

from bench.measures import MOST_RATIO, Comparison, Figure

NAME_WIDTH = 74


def heading() -> str:
    """The heads of the columns."""
    return f"  {'':<{NAME_WIDTH}}{'mesuré':>10}{'cible':>10}{'rapport':>10}"


def line(figure: Figure) -> str:
    """One figure: what was measured, what was promised, the one over the other, and whether the promise is kept."""
    start = f"  {figure.name:<{NAME_WIDTH}}{_duration(figure.ms):>10}"
    if figure.target_ms is None:
        return start
    verdict = "MANQUÉE" if figure.is_missed else "tenue"
    return f"{start}{_duration(figure.target_ms):>10}{_decimal(figure.ratio, 2):>10}   {verdict}"


def comparison_heading() -> str:
    """The heads of the columns of a comparison."""
    return f"  {'':<{NAME_WIDTH}}{'seul':>10}{'parmi':>10}{'rapport':>10}{'cible':>10}"


def comparison_line(found: Comparison) -> str:
    """One comparison: both durations, the second over the first, the most that was promised, and whether it is kept."""
    start = f"  {found.name:<{NAME_WIDTH}}{_duration(found.alone_ms):>10}{_duration(found.ms):>10}"
    verdict = "MANQUÉE" if found.is_missed else "tenue"
    return f"{start}{_decimal(found.ratio, 2):>10}{_decimal(MOST_RATIO, 2):>10}   {verdict}"


def load_line(load: float, cores: int, yardstick_ms: float) -> str:
    """How busy the machine was over the last minute, and how quick it is now."""
    busy = f"Charge de la machine sur une minute\u00a0: {_decimal(load, 2)} pour {cores} cœurs"
    return f"{busy}\u00a0; calcul étalon\u00a0: {_duration(yardstick_ms)}."


def conclusion(figures: dict[str, list[Figure] | list[Comparison]], highest_load: float, cores: int) -> tuple[str, int]:
    """The last sentence on the figures of each database, and the exit code.

    The code is 1 for a missed target, unless the machine was at some moment busier than its cores allow.
    """
    promised = [(kind, one) for kind, found in figures.items() for one in found if one.target_ms is not None]
    missed = [f"{one.name} ({kind})" for kind, one in promised if one.is_missed]
    sentence = f"{len(promised) - len(missed)} cibles tenues sur {len(promised)}."
    if missed:
        sentence += f" Manquées\u00a0: {', '.join(missed)}."
    if highest_load > cores:
        busy = f"charge de {_decimal(highest_load, 2)} pour {cores} cœurs"
        return f"{sentence} Ces chiffres ne sont pas fiables ({busy})\u00a0: recommencez au calme.", 0
    return sentence, 1 if missed else 0


def _duration(ms: float) -> str:
    if ms >= 1000:
        return f"{_decimal(ms / 1000, 2)} s "
    return f"{_decimal(ms, 1 if ms >= 10 else 3)} ms"


def _decimal(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")
