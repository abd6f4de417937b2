"""A small scenario's knowledge for tests."""

from pipelines.mind.intents import Intent, Knowledge, Slot

__all__ = ["KNOWLEDGE", "QUESTION"]

QUESTION = ("holds", "none", "repeat")

KNOWLEDGE = Knowledge(
    "fr",
    {
        "holds": Intent(
            "holds", "has one", ("un livret a", "j'ai un livret a", "oui un pel", "j'ai un pel")
        ),
        "none": Intent(
            "none", "has none", ("non", "je n'ai pas de livret a", "rien", "j'ai pas de pel")
        ),
        "repeat": Intent("repeat", "did not hear", ("répétez", "pardon", "comment")),
    },
    (
        Slot("savings", "many", {"livret_a": ("livret A", "livret"), "pel": ("PEL",)}),
        Slot("months", "number"),
    ),
    (QUESTION,),
)
