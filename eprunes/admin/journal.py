"""The words of the journal's acts."""

ACTIONS = {
    "antai.vehicules_declares": "Véhicules déclarés à l’ANTAI",
    "antai.vehicules_retires": "Véhicules retirés de l’ANTAI",
    "attribution.annulee": "Attribution annulée",
    "attribution.corrigee": "Attribution corrigée",
    "attribution.creee": "Attribution créée",
    "attribution.terminee": "Attribution terminée",
    "avis.classe": "Avis classé sans désignation",
    "avis.consulte": "Avis consulté",
    "avis.designation": "Conducteur désigné",
    "avis.detruits": "Avis détruits en fin de conservation",
    "avis.exportes": "Avis exportés",
    "avis.impossibilite": "Désignation impossible signalée",
    "avis.recus": "Avis reçus de l’ANTAI",
    "avis.rouvert": "Avis rouvert",
    "bon_de_commande.nouveau": "Nouveau bon de commande",
    "conducteur.ajoute": "Conducteur ajouté",
    "conducteur.modifie": "Fiche de conducteur modifiée",
    "conducteur.parti": "Départ d’un conducteur",
    "connexion": "Connexion",
    "contrat.fin": "Fin du contrat fixée",
    "organisation.creee": "Client créé",
    "parc.exporte": "Parc exporté",
    "parc.importe": "Parc importé",
    "reponse.enregistre": "Réponse enregistrée par l’ANTAI",
    "reponse.refuse": "Réponse refusée par l’ANTAI",
    "utilisateur.cree": "Utilisateur créé",
    "vehicule.ajoute": "Véhicule ajouté",
    "vehicule.modifie": "Véhicule modifié",
    "vehicule.revenu": "Véhicule revenu dans le parc",
    "vehicule.sorti": "Véhicule sorti du parc",
    "vehicules.places_rendues": "Places du bon de commande rendues",
}


def words_for(action: str) -> str:
    """The French words of an act; its own name when it has none."""
    return ACTIONS.get(action, action.replace(".", "\u00a0: ").replace("_", " "))
