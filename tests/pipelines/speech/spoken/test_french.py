# ruff: noqa: E501  a sentence is a line
"""French as it is said: literal cases."""

import pytest

from pipelines.speech.spoken import spoken


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "Le 71, le 81, le 91 : 1\u202f250\u202f000 et 12,05.",
            "Le 71, le 81, le 91 : 1\u202f250\u202f000 et 12,05.",
        ),
        ("Il fait −3 °C, ou -5 ?", "Il fait moins 3 degrés, ou moins 5 ?"),
        (
            "Rendez-vous le 01/05 à 9h, ou le 2/3/26.",
            "Rendez-vous le premier mai à 9 heures, ou le 2 mars 26.",
        ),
        (
            "Le 45/45/2026, le 12/03/2026, le 2026-03-12.",
            "Le 45/45/2026, le 12 mars 2026, le 12 mars 2026.",
        ),
        (
            "Le 1 janvier, de 8h-12h et 14h-18h30.",
            "Le premier janvier, de 8 heures à 12 heures et 14 heures à 18 heures 30.",
        ),
        (
            "À 21h, à 08:05, à 14 h 30, à 1h01, à 00:30, à 99h.",
            "À vingt et une heures, à 8 heures 5, à 14 heures 30, à une heure une, à 0 heure 30, à 99h.",
        ),
        ("Le prix est de 1 234,56 €/mois.", "Le prix est de 1 234 euros 56 par mois."),
        (
            "Il vaut 3 M€, 1,5 M€, 12 k€, 2 Mds €.",
            "Il vaut 3 millions d'euros, 1,5 million d'euros, 12 mille euros, 2 milliards d'euros.",
        ),
        (
            "1 000 000 FCFA, 2 000 000 €, 1 XAF, 0 €.",
            "1 000 000 de francs C F A, 2 000 000 d'euros, un franc C F A, 0 euro.",
        ),
        ("1 £, 2 $, 0,01 £, 0,50 £.", "une livre, 2 dollars, 1 penny, 50 pence."),
        ("12,345 euros, 12 euros, 1 euro.", "12,345 euros, 12 euros, un euro."),
        (
            "Appelez le 06 12 34 56 78, le 06.12.34.56.78 ou le 0612345678.",
            "Appelez le 06, 12, 34, 56, 78, le 06, 12, 34, 56, 78 ou le 06, 12, 34, 56, 78.",
        ),
        (
            "Appelez le 077 12 34 56, le +241 77 12 34 56 ou le 01-23-45-67-89.",
            "Appelez le 0, 77, 12, 34, 56, le plus 241, 77, 12, 34, 56 ou le 01, 23, 45, 67, 89.",
        ),
        (
            "Appelez le 6 99 12 34 56 ou le +33 6 12 34 56 78.",
            "Appelez le 6, 99, 12, 34, 56 ou le plus 33, 6, 12, 34, 56, 78.",
        ),
        (
            "Le code est 123456, la référence 12-34-56.",
            "Le code est 123456, la référence 12-34-56.",
        ),
        (
            "Entre 5-10 minutes, score 3-0, modèle A4-12.",
            "Entre 5 à 10 minutes, score 3-0, modèle A4-12.",
        ),
        (
            "La 1re, la 2e, la 21ème, la 2nde, le 2nd, le 1er, la 1ère et le 1e.",
            "La première, la deuxième, la vingt et unième, la seconde, le second, le premier, la première et le 1e.",
        ),
        ("Du XIXe siècle, de Louis XIV.", "Du dix-neuvième siècle, de Louis XIV."),
        ("Ouvert 24h/24 et 7j/7.", "Ouvert 24 heures sur 24 et 7 jours sur 7."),
        (
            "M. et Mme Dupont, MM. Dupont et Petit, Me Martin, Mgr Paul.",
            "monsieur et Mme Dupont, messieurs Dupont et Petit, maître Martin, monseigneur Paul.",
        ),
        (
            "Au n° 5 de l'av. Foch, tél. 12, p. 5, art. 3, c.-à-d. env. 5 min au max.",
            "Au numéro 5 de l'avenue Foch, téléphone 12, page 5, article 3, c'est-à-dire environ 5 minutes au maximum",
        ),
        (
            "Par ex. un RDV, svp, ou p. ex. 1/2 heure, 3/4 d'heure.",
            "Par exemple un rendez-vous, s'il vous plaît, ou par exemple une demi-heure, trois quarts d'heure.",
        ),
        (
            "SMS, TVA, RDV, IBAN : un PEL, une PME, la BEAC.",
            "SMS, TVA, rendez-vous, ibane : un P E L, une P M E, la Béac.",
        ),
        (
            "90 km/h, 3 m de long, 30 m², 20 l'heure, 30 s, 5 kg, 2 Go.",
            "90 kilomètres heure, 3 mètres de long, 30 mètres carrés, 20 l'heure, 30 secondes, 5 kg, 2 gigaoctets.",
        ),
        (
            "Écrivez à aide@palabre.ga ou voyez https://www.palabre.ga/faq.",
            "Écrivez à aide arobase palabre point G A ou voyez www point palabre point G A slash faq.",
        ),
        ("3 × 4, 20 %, 5000 F CFA.", "3 fois 4, 20 %, 5000 francs C F A."),
    ],
)
def test_said(written: str, said: str) -> None:
    assert spoken("fr")(written) == said
