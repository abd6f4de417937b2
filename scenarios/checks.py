"""What must hold for a scenario as a whole, beyond the shape of its parts."""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import ScenarioError
from scenarios.document import Value
from scenarios.model import Script, Step
from scenarios.transfers import check_summary
from scenarios.wording import Wording

__all__ = ["check"]


def check(script: Script, nodes: Mapping[str, Value], words: Wording) -> None:
    """Raises ScenarioError for the first thing that is wrong.

    `nodes` are where the steps stand, and under ``start`` and ``silence`` the settings of that
    name.
    """
    _steps_exist(script, nodes)
    _all_reachable(script, nodes)
    for step in script.steps.values():
        _goes_on(script, step, nodes[step.name])
        _has_words(step, words)
        _levels_known(script, step, nodes[step.name])
        _keys_known(script, step, nodes[step.name])
        _summary_known(script, step, words)
        _recording_agreed(script, step, nodes[step.name])
    _silence_ends(script, nodes)
    _voicemail_has_words(script, nodes, words)
    _no_stray_words(script, words)
    _examples_distinct(script, words)


def _steps_exist(script: Script, nodes: Mapping[str, Value]) -> None:
    expected = "one of " + ", ".join(script.steps)
    for key, name in (("start", script.start), ("silence", script.gone)):
        if name not in script.steps:
            raise nodes[key].error(f"no step {name!r}", expected)
    for step in script.steps.values():
        for name in sorted(step.leads_to() - set(script.steps)):
            node = nodes[step.name].at(name)
            raise node.error(f"step {step.name!r} leads to unknown {name!r}", expected)
    for intent, answer in script.always.items():
        if answer.go and answer.go not in script.steps:
            node = nodes[""].at(answer.go)
            raise node.error(f"always {intent!r} leads to unknown {answer.go!r}", expected)


def _all_reachable(script: Script, nodes: Mapping[str, Value]) -> None:
    waiting = {script.start, script.gone, *(answer.go for answer in script.always.values())} - {""}
    reached: set[str] = set()
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= script.steps[name].leads_to() - reached
    for name in script.steps:
        if name not in reached:
            raise nodes[name].error(f"no way leads to step {name!r}", "a step that is reached")


def _goes_on(script: Script, step: Step, node: Value) -> None:
    """Steps that ask nothing do not lead in a circle."""
    waiting, passed = {step.name}, set()
    while waiting:
        name = waiting.pop()
        if script.steps[name].asks:
            continue
        passed.add(name)
        following = script.steps[name].leads_to()
        if step.name in following:
            raise node.error(
                f"step {step.name!r} leads back to itself and asks nothing", "a question on the way"
            )
        waiting |= following - passed


def _has_words(step: Step, words: Wording) -> None:
    node = words.nodes.get(step.name, words.root)
    wanted = f"the lines of step {step.name!r}"
    if not step.say and not step.levels:
        raise node.error(f"nothing to say at step {step.name!r}", wanted)
    if step.asks and not step.silence:
        raise node.error(f"no 'silence' at step {step.name!r}", f"{wanted} for a silent user")
    if step.retries and not step.again:
        raise node.error(
            f"no 'again' at step {step.name!r}", f"{wanted} after an answer not understood"
        )
    for intent in words.steps[step.name].choices if step.name in words.steps else ():
        if intent not in step.answers:
            raise node.error(
                f"a choice {intent!r} that step {step.name!r} does not have",
                "one of " + ", ".join(step.answers),
            )
    if not step.asks and (step.again or step.silence):
        raise node.error(f"step {step.name!r} asks nothing", "only what it says")


def _levels_known(script: Script, step: Step, node: Value) -> None:
    known = {name for name, _ in script.score.levels}
    if step.levels and set(step.levels) != known:
        raise node.error(
            f"the levels of step {step.name!r} are not those of the score",
            ", ".join(sorted(known)) or "a score",
        )


def _keys_known(script: Script, step: Step, node: Value) -> None:
    known = {*step.answers, *script.always}
    for digit, intent in step.keys.items():
        if intent not in known:
            raise node.at(intent).error(
                f"key {digit} means unknown intent {intent!r}", "one of " + ", ".join(sorted(known))
            )


def _summary_known(script: Script, step: Step, words: Wording) -> None:
    slots = {slot.name: slot for slot in script.knowledge.slots}
    error = check_summary(step, slots, words.nodes.get(step.name, words.root))
    if error is not None:
        raise error


def _recording_agreed(script: Script, step: Step, node: Value) -> None:
    """Only who has answered has agreed."""
    if step.recording != "start":
        return
    unasked = {script.start, script.gone}
    for other in script.steps.values():
        if other is step:
            continue  # it records already
        unasked |= {other.otherwise, other.then, other.next, *other.levels.values()}
    if step.name in unasked:
        raise node.error(
            f"step {step.name!r} records and can be reached without a yes",
            "a step that only answers lead to, after the line that says so",
        )


def _silence_ends(script: Script, nodes: Mapping[str, Value]) -> None:
    waiting, passed = {script.gone}, set()
    while waiting:
        step = script.steps[waiting.pop()]
        if step.asks:
            raise nodes["silence"].error(
                f"after silence comes the question {step.name!r}", "a step that ends with hangup"
            )
        passed.add(step.name)
        waiting |= step.leads_to() - passed


def _voicemail_has_words(script: Script, nodes: Mapping[str, Value], words: Wording) -> None:
    if script.voicemail == "message" and not words.voicemail:
        raise words.root.error("nothing to leave on a voicemail", "'voicemail', a line or several")
    if words.voicemail and script.voicemail != "message":
        raise nodes[""].error(
            f"{words.path.name} has a message for voicemails that is never left",
            "voicemail: message",
        )


def _no_stray_words(script: Script, words: Wording) -> None:
    for name, node in words.nodes.items():
        if name not in script.steps:
            raise node.error(f"lines of unknown step {name!r}", "one of " + ", ".join(script.steps))
    used = {intent for step in script.steps.values() for intent in step.answers} | set(
        script.always
    )
    for name, node in words.intent_nodes.items():
        if name not in used:
            raise node.error(f"no step expects intent {name!r}", "an intent that leads somewhere")
    for name in sorted(used - set(words.intents)):
        raise words.root.error(f"no examples of intent {name!r}", "them under intents")
    said = {answer.reply for answer in script.always.values()}
    said |= {answer.reply for step in script.steps.values() for answer in step.answers.values()}
    for name, reply in words.replies.items():
        if reply not in said:
            raise words.root.error(f"reply {name!r} is never said", "replies that are")


def _examples_distinct(script: Script, words: Wording) -> None:
    for question in script.knowledge.questions:
        meant: dict[str, str] = {}
        for intent in question:
            for example in words.intents[intent].examples:
                other = meant.setdefault(example.casefold(), intent)
                if other != intent:
                    raise ScenarioError(
                        words.path,
                        words.intent_nodes[intent].line,
                        f"{example!r} is an example of {other!r} and of {intent!r},"
                        " which answer the same question",
                        "each example to mean one thing",
                    )
