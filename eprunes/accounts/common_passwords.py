"""Words that French passwords are made of: whoever guesses tries them first, alone or two or three together.

All are written without accents, in small letters, the most tempting first.
"""

_THIS_SITE = "eprunes prunes prune eprune amende amendes contravention contraventions conducteur conducteurs chauffeur "
_PASSWORDS = """
motdepasse mdp password passe code secret azerty qwerty qwertz bonjour soleil doudou loulou chouchou jetaime coucou
admin administrateur administration utilisateur invite test demo essai temporaire provisoire identifiant connexion
bienvenue welcome changeme changezmoi changer nouveau ouvert ouvretoi sesame serveur internet ordinateur bureau portable
abcdef abcd letmein iloveyou master dragon monkey princesse superman batman pokemon pikachu naruto starwars matrix
"""
_TENDER = """
amour moncoeur coeur cheri cherie monamour bebe bisou bisous calin caline maman papa mamie papi famille enfant enfants
chaton minou minette poussin lapin nounours titi titine toto tata tonton tintin asterix obelix mimi lulu lili loulou
louloute choupette chouquette pupuce puce poupette biquette bichette ange angel etoile lune ciel arcenciel papillon
"""
_PLAIN = """
liberte egalite fraternite france francais republique bonheur bonjour bonsoir bonnenuit salut merci demain hier
aujourdhui toujours jamais ensemble vacances voyage plage mer montagne ocean foret jardin maison appartement voiture
camion moto velo scooter tracteur fourgon utilitaire garage parking route autoroute radar permis vehicule flotte parc
chocolat fraise banane pomme cerise orange citron vanille caramel cafe fromage camembert baguette croissant raclette
pastis champagne vodka whisky cheval chien chat chats oiseau tigre lion panthere dauphin tortue licorne loup renard
chevre vache cochon souris grenouille musique guitare piano batterie danse cinema football foot rugby tennis basket
handball judo natation cyclisme petanque chasse peche poney equitation rouge bleu vert jaune noir blanc violet rose
hiver printemps automne janvier fevrier mars avril juin juillet aout septembre octobre novembre decembre lundi mardi
mercredi jeudi vendredi samedi dimanche noel paques anniversaire anneenouvelle halloween fleur fleurs tulipe marguerite
violette lavande tournesol diamant rubis saphir tresor magique magie sorcier fantome pirate chevalier prince reine roi
"""
_WORK = """
entreprise societe direction directeur directrice comptable comptabilite compta secretaire secretariat commercial
gestion gestionnaire gerant patron patronne chef equipe personnel collaborateur salarie ressources humaines achats
ventes client clients fournisseur facture factures devis contrat contrats logistique transport transports livraison
livraisons depot agence agences siege usine atelier chantier batiment travaux informatique support assistance
maintenance accueil standard reception mairie commune prefecture ministere service services groupe holding conseil
location locations loueur assurance assurances banque parcauto pneu pneus carburant essence diesel gazole antai
"""
_CLUBS = """
om psg olympique asse ogcnice losc stadetoulousain stadefrancais stadebrestois stadedereims stadederennes girondins
allezlom allezlesbleus allezlesverts lesbleus lesverts zidane mbappe platini griezmann benzema giroud cantona ronaldo
messi neymar barcelone realmadrid juventus liverpool arsenal chelsea manchester ferrari renault peugeot citroen dacia
bmw mercedes audi volkswagen toyota porsche lamborghini yamaha kawasaki harley ducati
"""
_TOWNS = """
paris marseille lyon toulouse nice nantes montpellier strasbourg bordeaux lille rennes reims toulon saintetienne
lehavre grenoble dijon angers nimes villeurbanne clermont clermontferrand aix aixenprovence brest tours amiens limoges
annecy perpignan metz besancon orleans rouen mulhouse caen nancy argenteuil montreuil saintdenis roubaix tourcoing
avignon nanterre poitiers versailles courbevoie creteil pau colmar larochelle calais antibes cannes ajaccio bastia
bayonne biarritz chambery lorient quimper vannes valence troyes niort chartres saintmalo saintnazaire cherbourg laval
lemans evreux beauvais arras douai dunkerque valenciennes charleville epinal belfort bourges nevers auxerre macon
roanne vichy aurillac rodez albi castres tarbes lourdes agen perigueux angouleme brive montauban carcassonne narbonne
beziers sete ales gap frejus monaco corse bretagne normandie alsace lorraine provence auvergne savoie vendee picardie
champagneardenne aquitaine occitanie gascogne bourgogne guadeloupe martinique guyane reunion mayotte tahiti noumea
portugal espagne italie belgique suisse algerie maroc tunisie senegal cameroun turquie londres newyork madrid lisbonne
"""
_FIRST_NAMES = """
nicolas julien alexandre thomas maxime antoine kevin guillaume anthony sebastien romain pierre vincent jeremy mathieu
mickael michael david frederic christophe stephane laurent philippe pascal olivier eric patrick thierry bruno didier
gilles serge alain bernard jacques michel andre daniel claude gerard robert roger rene marcel georges henri louis
jean jeanpierre jeanpaul jeanmarc jeanluc jeanclaude paul lucas hugo enzo nathan mathis theo clement arthur gabriel
raphael jules adam noah liam ethan leo tom axel quentin valentin benjamin florian damien fabien cedric arnaud jerome
yann loic gael erwan ronan tristan bastien adrien remi simon victor martin samuel mohamed karim mehdi rachid yassine
ahmed ali omar ibrahim mamadou moussa sofiane bilal amine walid marie camille lea manon chloe emma sarah laura julie
marine pauline mathilde lucie charlotte margaux justine oceane anais melanie marion celine aurelie emilie elodie
stephanie virginie sandrine nathalie isabelle sylvie catherine christine valerie veronique corinne brigitte martine
monique francoise jacqueline nicole chantal dominique annie danielle josiane michele caroline sophie delphine audrey
jessica vanessa amandine cindy laetitia sabrina jennifer morgane solene gwenaelle nolwenn clara ines jade louise alice
lola zoe lina juliette eva romane agathe jeanne rose ambre mila anna elise eloise claire helene agnes cecile fatima
khadija aicha yasmine nadia samira leila fatou aminata valentine victoire margot noemie salome apolline clemence
constance
"""
_SURNAMES = """
dubois durand dupont dupond leroy moreau lefebvre lefevre garcia roux fournier morel girard mercier lambert bonnet
martinez legrand garnier faure rousseau guerin muller henry roussel perrin morin gauthier dumont lopez fontaine
chevalier masson sanchez gerard nguyen boyer lemaire duval joly gautier roche roy noel meyer lucas meunier jean perez
marchand dufour blanchard marie barbier brun dumas brunet schmitt leroux colas fernandez petit richard bertrand
"""
_WALKS = ("azertyuiopqsdfghjklmwxcvbn", "qwertyuiopasdfghjklzxcvbnm", "abcdefghijklmnopqrstuvwxyz")
_SHORTEST_WALK = 4


def _walks() -> set[str]:
    """Every run along a row of keys, or along the alphabet, in both directions."""
    rows = [row for walk in _WALKS for row in (walk, walk[::-1])]
    found = set()
    for row in rows:
        for start in range(len(row)):
            found.update(row[start:end] for end in range(start + _SHORTEST_WALK, len(row) + 1))
    return found


WORDS = tuple(
    dict.fromkeys(
        "".join((_PASSWORDS, _THIS_SITE, _TENDER, _CLUBS, _WORK, _TOWNS, _FIRST_NAMES, _SURNAMES, _PLAIN)).split()
    )
)
COMMON = frozenset(WORDS) | _walks()
