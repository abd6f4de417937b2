"""What people say that answers nothing: speech around the telephone, television, other topics.

The classifier learns from these what not to understand. Written for this purpose, per language.
"""

from __future__ import annotations

__all__ = ["ELSEWHERE"]

_FRENCH = """
il fait très chaud dehors
il va pleuvoir demain dans le nord
le soleil se lève à six heures
il y a du vent sur la côte
la neige tombe sur les montagnes
on mange à quelle heure
le poulet est dans le four
mets la table s'il te plaît
il reste du fromage dans le frigo
je vais faire un gâteau pour dimanche
ajoutez trois œufs et du sucre
une tasse de thé avec du citron
le boulanger ferme à treize heures
achète des tomates et des carottes
un kilo de pommes et deux salades
un steak frites et une bière
un verre d'eau pour la petite
les enfants sont à l'école
viens ici tout de suite
fais tes devoirs avant de jouer
range ta chambre
le bébé dort dans sa chambre
elle apprend le piano depuis deux ans
mon frère arrive samedi avec sa femme
ma sœur habite en bretagne
ma grand-mère a quatre-vingts ans
son cousin se marie en juillet
mon père était instituteur
descends du canapé
le chien veut sortir
le chat a cassé le vase
il y a quelqu'un à la porte
qui a pris mes lunettes
ferme la fenêtre il fait froid
baisse la télé
change de chaîne
éteins la lumière en partant
le film commence dans cinq minutes
c'était un très bon film
le journal de vingt heures
le ministre a présenté son programme
les élections ont lieu en avril
la police a arrêté deux hommes
un accident sur l'autoroute du sud
la circulation est difficile à paris
les pompiers sont venus cette nuit
l'équipe de france a gagné deux à un
le match est reporté à dimanche
il joue au tennis tous les jeudis
elle court dix kilomètres par semaine
la piscine est fermée le lundi
le vélo a un pneu crevé
la voiture est au garage
il faut faire le plein d'essence
prenez la première à droite
tout droit jusqu'au rond-point
le train pour bordeaux partira du quai numéro deux
le prochain bus passe dans dix minutes
l'avion a deux heures de retard
j'ai réservé une chambre d'hôtel
nous sommes allés à la mer cet été
on a visité un château
la plage est à deux pas de la maison
le musée est gratuit le dimanche
j'ai lu un livre sur la guerre
il écrit un roman
elle peint des paysages
la chanson passe à la radio
il joue de la guitare dans un groupe
le concert est complet
allume la radio
les fleurs ont besoin d'eau
je tonds la pelouse le samedi
les arbres perdent leurs feuilles
les oiseaux font leur nid
la vache est dans le pré
le loup et l'agneau
j'ai mal à la tête
il a une grippe
le docteur est en vacances
prenez ce médicament trois fois par jour
la pharmacie est au coin de la rue
l'infirmière passe le matin
elle s'est cassé la jambe
le dentiste m'a arraché une dent
mon téléphone n'a plus de batterie
l'ordinateur est en panne
le wifi ne marche pas chez moi
envoie-moi les photos
il a perdu son mot de passe
l'imprimante n'a plus d'encre
le robinet fuit dans la cuisine
le chauffage est en panne
il faut repeindre le salon
le toit de la maison est abîmé
l'ascenseur est bloqué
le voisin fait du bruit
les clés sont sur la commode
j'ai acheté une paire de chaussures
cette robe est trop petite
le manteau noir est au pressing
la machine à café ne marche plus
la bouteille est vide
un deux trois quatre cinq
zéro six douze trente-quatre
le douze janvier à midi
nous sommes mardi
quelle heure est-il
deux fois deux quatre
la capitale de l'italie est rome
la terre tourne autour du soleil
l'eau bout à cent degrés
napoléon est né en corse
le petit chaperon rouge
il était une fois une princesse
mon patron est en déplacement
la réunion commence à neuf heures
il a signé le contrat de travail
je cherche un appartement à louer
le loyer est de six cents euros
la facture d'électricité est arrivée
mon colis n'est pas arrivé
le facteur est passé
je voudrais un billet pour lyon
une table pour deux personnes
je voudrais parler au directeur
quels sont vos horaires
où se trouve la gare
je veux commander des fleurs
réservez-moi un taxi
mon vol est annulé
passez-moi le service technique
j'ai oublié mon parapluie
tu viens avec nous
on se voit demain soir
à tout à l'heure
attends-moi devant la porte
regarde comme c'est joli
donne-moi la main
joyeux anniversaire
bonne année et bonne santé
c'est l'histoire d'un homme
il a dit qu'il viendrait
elle est partie sans rien dire
je l'ai vu hier au marché
ils ont construit un pont
il travaille à l'usine
elle est professeur de français
les élèves sont en récréation
le maire a ouvert la fête
la messe est à dix heures
le jardinier taille la haie
la lune est pleine ce soir
le bateau quitte le port
les pêcheurs sont rentrés
j'ai deux enfants et trois petits-enfants
j'ai une voiture bleue
j'ai un jardin derrière la maison
j'ai un chien
j'ai un rendez-vous chez le coiffeur
il a un frère et une sœur
nous avons une nouvelle cuisine
on a un problème de chauffage
mon livre est sur la table
le prix du billet a changé
le conseil municipal se réunit
"""

_ENGLISH = """
it is very hot outside
it will rain tomorrow in the north
the sun rises at six
what time is dinner
the chicken is in the oven
set the table please
there is some cheese in the fridge
add three eggs and some sugar
a cup of tea with lemon
buy some tomatoes and carrots
the children are at school
come here right now
do your homework before you play
the baby is asleep
my brother arrives on saturday
my sister lives in scotland
the dog wants to go out
there is somebody at the door
who took my glasses
close the window it is cold
turn the television down
the film starts in five minutes
the minister presented his plans
the police arrested two men
an accident on the motorway
the team won two to one
the match is on sunday
she runs ten miles a week
the swimming pool is closed on mondays
the car is at the garage
take the first on the right
the train to leeds leaves from platform two
the next bus comes in ten minutes
the plane is two hours late
we went to the seaside last summer
the museum is free on sundays
i read a book about the war
he plays the guitar in a band
the flowers need water
i have a headache
the doctor is on holiday
take this medicine three times a day
my phone has no battery left
the computer is broken
the neighbours are noisy
the keys are on the shelf
i bought a pair of shoes
one two three four five
the capital of italy is rome
water boils at a hundred degrees
once upon a time there was a princess
my boss is travelling
the meeting starts at nine
i am looking for a flat to rent
my parcel has not arrived
i would like a ticket to london
a table for two people
where is the station
i want to order some flowers
see you tomorrow night
wait for me by the door
happy birthday
i saw him yesterday at the market
she is a french teacher
the moon is full tonight
i have two children
i have a blue car
i have a dog
i have an appointment at the hairdresser
we have a new kitchen
"""

ELSEWHERE = {
    "fr": tuple(_FRENCH.strip().splitlines()),
    "en": tuple(_ENGLISH.strip().splitlines()),
}
