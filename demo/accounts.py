"""The demo's people: who may sign in, with what rights, and the one password that they share."""

from dataclasses import dataclass

ORGANISATION = "Transports Durand"
SIREN = "123456782"
VEHICLE_QUOTA = 250
PASSWORD = "quatre prunes bien mures"  # noqa: S105  shown on the screen: fictitious accounts on a local address


@dataclass(frozen=True)
class Person:
    """A user of the demo's client, with its rights and the line that introduces it."""

    label: str
    email: str
    name: str
    fleet: bool
    fines: bool


ADMINISTRATOR = Person("Administratrice", "administration@transports-durand.example", "Claire Durand", True, True)
FLEET = Person("Parc seul", "parc@transports-durand.example", "Malik Ferrand", True, False)
FINES = Person("Contraventions seules", "contraventions@transports-durand.example", "Sophie Lambert", False, True)
BOTH = Person("Parc et contraventions", "gestion@transports-durand.example", "Hugo Marchal", True, True)
OPERATOR = Person("Exploitant de la plateforme", "exploitation@e-prunes.example", "Exploitation", False, False)

USERS = (FLEET, FINES, BOTH)
EVERYONE = (ADMINISTRATOR, *USERS, OPERATOR)
