"""The table as people read it, and what it comes to."""

from bench.measures import Figure

NAME_WIDTH = 64


def heading() -> str:
    """The heads of the columns."""
    return f"{'':<{NAME_WIDTH}} {'mesuré':>10} {'cible':>10} {'rapport':>8}"


def line(figure: Figure) -> str:
    """One figure: what was measured, what was promised, the one over the other, and whether it is kept."""
    start = f"{figure.name:<{NAME_WIDTH}} {_duration(figure.ms):>10}"
    if figure.target_ms is None:
        return start
    verdict = "MANQUÉE" if figure.is_missed else "tenue"
    return f"{start} {_duration(figure.target_ms):>10} {_decimal(figure.ratio, 2):>8}   {verdict}"


def conclusion(figures: list[Figure], highest_load: float, cores: int) -> tuple[str, int]:
    """The last sentence and the exit code: 1 for a target missed on a machine that had nothing else to do."""
    promised = [figure for figure in figures if figure.target_ms is not None]
    missed = [figure for figure in promised if figure.is_missed]
    kept = f"{len(promised) - len(missed)} cibles tenues sur {len(promised)}."
    if highest_load > cores:
        load = f"charge de {_decimal(highest_load, 2)} pour {cores} cœurs"
        return f"{kept} Ces chiffres ne sont pas fiables ({load}) : recommencez au calme.", 0
    return (f"{kept} Manquée : {_names(missed)}." if missed else kept), int(bool(missed))


def _names(figures: list[Figure]) -> str:
    return " ; ".join(figure.name for figure in figures)


def _duration(ms: float) -> str:
    return f"{_decimal(ms / 1000, 2)} s " if ms >= 1000 else f"{_decimal(ms, 1 if ms >= 10 else 3)} ms"


def _decimal(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace(".", ",")
