"""What a scenario says where its own words say nothing of it."""

from scenarios.defaults import FILLERS, MENUS, OCCASIONS, menu


def test_a_menu_in_each_language() -> None:
    choices = [("1", "A"), ("2", "B")]
    assert menu("fr", choices) == "Tapez 1 pour A, 2 pour B."
    assert menu("en", choices) == "Press 1 for A, 2 for B."


def test_fillers_for_every_occasion_in_every_language() -> None:
    assert set(FILLERS) == set(MENUS)
    for fillers in FILLERS.values():
        assert set(fillers) == set(OCCASIONS)
        assert all(len(lines) >= 2 for lines in fillers.values()), "one would come twice in a row"
