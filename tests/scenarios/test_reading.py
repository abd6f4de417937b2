"""Whatever is wrong in a scenario is refused at start: file, line, what was expected."""

import re
from pathlib import Path

import pytest

from engine.errors import ConfigurationError, ScenarioError
from scenarios import find, names
from scenarios.defaults import FILLERS
from scenarios.model import Keyed
from scenarios.script import ScriptFlow, load

SCENARIO = """\
name: tea
languages: [en]
start: ask
silence: gone
slots:
  drink: {kind: many, values: [tea, coffee]}
score:
  points:
    - {slot: drink, has: tea, points: 1}
    - {step: ask, answer: drinks, points: 1}
  levels: {keen: 2, cool: 0}
always:
  stop: {go: gone, record: stop}
  who: {reply: who}
steps:
  ask:
    answers: {drinks: weigh, nothing: gone}
    keys: {"1": drinks}
    retries: 1
    then: gone
  weigh:
    levels: {keen: gone, cool: thanks}
    record: lead
  thanks: {next: gone}
  gone: {hangup: completed}
"""
WORDS = """\
language: en
lines:
  ask: {say: [Hello., "Tea or coffee?"], again: "Tea or coffee?", silence: "Hello?"}
  thanks: Thank you.
  gone: Goodbye.
replies:
  who: A tea shop.
slots:
  drink: {tea: [tea, green tea], coffee: [coffee]}
intents:
  drinks: {means: names a drink, examples: [tea, a coffee please, tea and coffee]}
  nothing: {means: wants nothing, examples: [no, nothing, no thanks]}
  stop: {means: wants no more calls, examples: [stop, stop calling, leave me alone]}
  who: {means: asks who calls, examples: [who, who are you, who is calling]}
"""


def written(folder: Path, scenario: str = SCENARIO, words: str = WORDS) -> Path:
    (folder / "en.yaml").write_text(words, encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(scenario, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", names())
def test_the_scenarios_that_come_with_the_engine_are_right(name: str) -> None:
    script = load(find(name))
    for language in script.languages:
        assert load(find(name), language).language == language


def test_a_small_scenario(tmp_path: Path) -> None:
    script = load(written(tmp_path))
    assert script.language == "en"
    assert script.steps["ask"].say == ("Hello.", "Tea or coffee?")
    assert script.intents(script.steps["ask"]) == ("drinks", "nothing", "stop", "who")
    assert script.score.levels == (("keen", 2), ("cool", 0))
    assert "A tea shop." in script.lines()


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("name: tea", "name: [", 3, "expected YAML"),
        ("name: tea", "name: ''", 1, "empty text"),
        ("name: tea", "nom: tea", 1, "unknown key 'nom'"),
        ("silence: gone\n", "", 1, "'silence' is missing"),
        ("start: ask", "start: begin", 3, "no step 'begin'; expected one of ask, weigh"),
        ("start: ask", "start: {}", 3, "found a mapping"),
        ("retries: 1", "retries: one", 19, "'one' is no number"),
        ("retries: 1", "retries: 9", 19, "out of bounds"),
        ("then: gone", "then: gone\n    expects: digit", 21, "'digit'; expected one of"),
        ("then: gone", "then: gone\n    digits: 4", 21, "expects: digits"),
        ("then: gone", "then: gone\n    endpoint_ms: 90", 21, "from 160 to 1200"),
        ("{drinks: weigh, nothing: gone}\n", "{drinks: weigh}\n    expects: [a]\n", 18, "a list"),
        ("thanks: {next: gone}", "thanks: {otherwise: gone, expects: choice}", 24, "answers to"),
        ("    retries: 1\n", "", 16, "lacks 'retries'"),
        ("drinks: weigh", "drinks: wait", 17, "leads to unknown 'wait'"),
        ("drinks: weigh", "drinks: {go: weigh, repeat: true}", 17, "2 ways to go on"),
        ("drinks: weigh", "drinks: {repeat: yes}", 17, "unknown value 'yes'"),
        ("drinks: weigh", "drinks: {go: weigh, set: {drink: [wine]}}", 17, "unknown value 'wine'"),
        ("drinks: weigh", "drinks: weigh, drinks: gone", 17, "'drinks' comes twice"),
        ("{next: gone}", "{next: gone, hangup: completed}", 24, "2 ways to go on"),
        ("{next: gone}", "{next: gone, retries: 1}", 24, "asks nothing"),
        ("{next: gone}", "{next: thanks}", 24, "leads back to itself"),
        ("{next: gone}", "{next: gone, barge_in: polite}", 24, "asks nothing"),
        ("cool: thanks", "cool: gone", 24, "no way leads to step 'thanks'"),
        ("cool: thanks", "cold: thanks", 21, "are not those of the score"),
        ('"1": drinks', '"x": drinks', 18, "is no key"),
        ('"1": drinks', '"1": wine', 18, "unknown intent 'wine'"),
        ("silence: gone", "silence: ask", 4, "after silence comes the question"),
        ("has: tea", "has: wine", 9, "unknown value 'wine'"),
        ("answer: drinks", "answer: wine", 10, "unknown value 'wine'"),
        ("kind: many", "kind: number", 6, "of kind number"),
        ("values: [tea, coffee]", "values: [tea]", 6, "are not those in en.yaml"),
        ("reply: who", "reply: what", 14, "no reply 'what' in en.yaml"),
        ("go: gone, record", "go: nowhere, record", 13, "leads to unknown 'nowhere'"),
    ],
)
def test_what_is_wrong_in_the_structure_is_named(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in SCENARIO
    path = written(tmp_path, SCENARIO.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=re.escape(says)) as caught:
        load(path)
    assert (caught.value.path, caught.value.line) == (path, line)


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("language: en", "language: fr", 1, "unknown value 'fr'; expected one of en"),
        ('silence: "Hello?"', "silence: ''", 3, "empty text"),
        (', silence: "Hello?"', "", 3, "no 'silence' at step 'ask'"),
        (' again: "Tea or coffee?",', "", 3, "no 'again' at step 'ask'"),
        ("  thanks: Thank you.\n", "", 1, "nothing to say at step 'thanks'"),
        ("  gone: Goodbye.", "  gone: Goodbye.\n  end: Bye.", 6, "unknown step 'end'"),
        ("  gone: Goodbye.", "  gone: {say: Goodbye., again: Bye.}", 5, "asks nothing"),
        ("[no, nothing, no thanks]", "[]", 12, "empty list"),
        ("[no, nothing, no thanks]", "[no, no]", 12, "comes twice"),
        ("[no, nothing, no thanks]", "[no]", 12, "has 1 examples"),
        ("[no, nothing, no thanks]", "[no, tea, never]", 12, "'tea' is an example of 'drinks'"),
        ("  nothing: {", "  nothings: {", 12, "no step expects intent 'nothings'"),
        ("  who: A tea shop.", "  who: A tea shop.\n  what: Tea.", 1, "'what' is never said"),
        ("means: wants nothing, ", "", 12, "'means' is missing"),
    ],
)
def test_what_is_wrong_in_the_words_is_named(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in WORDS
    path = written(tmp_path, words=WORDS.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=re.escape(says)) as caught:
        load(path)
    assert (caught.value.path, caught.value.line) == (tmp_path / "en.yaml", line)


def test_an_intent_without_examples_is_refused(tmp_path: Path) -> None:
    words = "".join(line for line in WORDS.splitlines(True) if not line.startswith("  nothing:"))
    with pytest.raises(ScenarioError, match="no examples of intent 'nothing'"):
        load(written(tmp_path, words=words))


@pytest.mark.parametrize("text", ["", "[" * 5000, "a: \x00", "- a\n- b"])
def test_a_file_that_is_no_scenario_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ScenarioError):
        load(written(tmp_path, text))


def test_a_file_that_is_not_there_or_not_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="no such file"):
        load(tmp_path / "scenario.yaml")
    (tmp_path / "scenario.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path / "scenario.yaml")


def test_a_language_that_it_does_not_speak_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it has: en"):
        load(written(tmp_path), "it")


def test_an_unknown_scenario_is_answered_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="bench, leads"):
        find("lead")
    path = written(tmp_path)
    assert find(str(path)) == path


def test_a_choice_expects_the_examples_of_all_that_is_understood_there(tmp_path: Path) -> None:
    choice = SCENARIO.replace("    retries: 1\n", "    retries: 1\n    expects: choice\n")
    words = WORDS + "stop_words: [wait, no]\nbackchannels: [mm]\n"
    flow = ScriptFlow(load(written(tmp_path, choice, words)))
    phrases = flow.question(flow.start()).phrases
    assert {"a coffee please", "no thanks", "stop calling", "who are you"} <= set(phrases)
    assert {"green tea", "wait", "mm"} <= set(phrases)
    assert phrases.count("no") == 1
    assert flow.script.vocabulary() == phrases  # it has one question


def test_any_other_question_expects_anything(tmp_path: Path) -> None:
    flow = ScriptFlow(load(written(tmp_path)))
    assert flow.question(flow.start()).phrases == ()


def test_a_question_can_say_how_people_pause_in_its_answer(tmp_path: Path) -> None:
    stated = "    retries: 1\n    expects: digits\n    digits: 10\n    endpoint_ms: 500\n"
    flow = ScriptFlow(load(written(tmp_path, SCENARIO.replace("    retries: 1\n", stated))))
    question = flow.question(flow.start())
    assert (question.expects, question.digits, question.endpoint_ms) == ("digits", 10, 500)
    assert question.phrases == ()


CHOICE = SCENARIO.replace('    keys: {"1": drinks}\n', "    expects: choice\n")
NUMBER = (
    SCENARIO.replace("slots:\n", "slots:\n  cups: {kind: number}\n")
    .replace('    keys: {"1": drinks}\n', "    expects: digits\n    digits: 3\n    keyed: KEYED\n")
    .replace("KEYED", "{slot: cups, means: drinks}")
)


def test_choices_get_keys_in_their_order(tmp_path: Path) -> None:
    step = load(written(tmp_path, CHOICE)).steps["ask"]
    assert step.keys == {"1": "drinks", "2": "nothing"}
    assert step.menu == ""


def test_a_menu_names_the_keys_as_written_then_the_others(tmp_path: Path) -> None:
    keyed = SCENARIO.replace('{"1": drinks}', '{"7": nothing}')
    words = WORDS.replace(
        'silence: "Hello?"', 'silence: "Hello?", choices: {drinks: X, nothing: Y}'
    )
    script = load(written(tmp_path, keyed, words))
    assert script.steps["ask"].keys == {"7": "nothing", "1": "drinks"}
    assert script.steps["ask"].menu == "Press 7 for Y, 1 for X."
    assert script.steps["ask"].menu in script.lines()


def test_the_numbers_of_a_menu_are_listened_for(tmp_path: Path) -> None:
    words = WORDS.replace(
        'silence: "Hello?"', 'silence: "Hello?", choices: {drinks: X, nothing: Y}'
    )
    script = load(written(tmp_path, CHOICE, words))
    assert {"one", "two"} <= set(script.phrases(script.steps["ask"], menu=True))
    assert not {"one", "two"} & set(script.phrases(script.steps["ask"]))
    assert {"one", "two"} <= set(script.vocabulary())


def test_fillers_are_for_any_occasion_or_for_each(tmp_path: Path) -> None:
    path = written(tmp_path, words=WORDS + "fillers: [Well…]\n")
    assert load(path).fillers == {"any": ("Well…",)}
    path = written(tmp_path, words=WORDS + "fillers: {work: [Hold on…]}\n")
    assert load(path).fillers == {**FILLERS["en"], "work": ("Hold on…",)}
    script = load(written(tmp_path))
    assert script.fillers == FILLERS["en"]
    assert {line for lines in FILLERS["en"].values() for line in lines} <= set(script.lines())


@pytest.mark.parametrize(
    ("scenario", "words", "problem"),
    [
        (SCENARIO, ("say: [Hello.", "choices: {tea: X}, say: [Hello."), "a choice 'tea'"),
        (SCENARIO, ("language: en", "fillers: {never: [X]}\nlanguage: en"), "unknown key 'never'"),
        (NUMBER, (), ""),
        (NUMBER.replace("slot: cups", "slot: drink"), (), "unknown value 'drink'"),
        (NUMBER.replace(", means: drinks", ""), (), "digits that lead nowhere"),
        (NUMBER.replace("means: drinks", "means: tea"), (), "unknown value 'tea'"),
        (
            NUMBER.replace("    keyed:", '    keys: {"1": drinks}\n    keyed:'),
            (),
            "both choices and",
        ),
    ],
)
def test_keys_are_checked(
    tmp_path: Path, scenario: str, words: tuple[str, str] | tuple[()], problem: str
) -> None:
    path = written(tmp_path, scenario, WORDS.replace(*words) if words else WORDS)
    if not problem:
        assert load(path).steps["ask"].keyed == Keyed("cups", "drinks")
        return
    with pytest.raises(ScenarioError, match=problem):
        load(path)


def test_keys_cannot_be_said_in_every_language(tmp_path: Path) -> None:
    (tmp_path / "it.yaml").write_text(
        WORDS.replace("language: en", "language: it").replace(
            "say: [", "choices: {drinks: X}, say: ["
        )
    )
    path = written(tmp_path, SCENARIO.replace("[en]", "[it]"))
    with pytest.raises(ScenarioError, match="no way to say keys in 'it'; expected one of fr, en"):
        load(path)
