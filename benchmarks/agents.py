"""How well robots are told from people, and how devices are read, on any list of user agents.

    python -m benchmarks.agents --expect robot FILE… --expect person FILE…
    python -m benchmarks.agents --own

A list has one user agent a line. For robots the share that is found (recall) is printed, for
people the share that is taken for a robot (false positives); for people also how often the
fast parser gives the slow one's answers (`user_agents`), and what a string costs. `--own`
measures the instances of the public list that is built in. `--missed N` shows what was wrong.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import crawleruseragents  # type: ignore[import-untyped]  # ships no types
import user_agents  # type: ignore[import-untyped]  # ships no types

from linkservice.clicks.agents import classify
from linkservice.clicks.devices import UserAgent

COMPARED = 10_000
"""Strings that both parsers read; the slow one takes half a millisecond each."""

ANSWERS = ("is_mobile", "is_tablet", "is_pc")


class _Files(argparse.Action):
    """Collects (expected, files) pairs in the order they were given."""

    def __call__(self, parser, namespace, values, option_string=None):  # type: ignore[no-untyped-def]  # as argparse has it
        expected, *files = values
        if expected not in ("robot", "person") or not files:
            parser.error("--expect takes robot or person, and then files")
        namespace.lists.extend((expected, Path(file)) for file in files)


def main() -> None:
    """Measure what the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.set_defaults(lists=[])
    parser.add_argument("--expect", nargs="+", action=_Files, metavar=("WHO", "FILE"))
    parser.add_argument("--own", action="store_true", help="the public list's own instances")
    parser.add_argument("--missed", type=int, default=0, help="how many wrong ones to show")
    options = parser.parse_args()
    if options.own:
        instances = [
            text
            for line in crawleruseragents.CRAWLER_USER_AGENTS_DATA
            for text in line.get("instances", ())
        ]
        measure("crawler-user-agents", "robot", instances, options.missed)
    for expected, path in options.lists:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
        texts = list(dict.fromkeys(filter(None, map(str.strip, lines))))
        measure(path.name, expected, texts, options.missed)


def measure(name: str, expected: str, texts: Sequence[str], missed: int) -> None:
    """Print the figures of one list."""
    started = time.process_time()
    found = [classify(text) for text in texts]
    each = (time.process_time() - started) / len(texts)
    robots = sum(agent.class_ != "person" for agent in found)
    word = "recall" if expected == "robot" else "false positives"
    print(
        f"{name}: {robots:,} of {len(texts):,} are robots: {word} {robots / len(texts):.2%}, "
        f"{each * 1e6:.0f} µs each"
    )
    if expected == "robot":
        tags = Counter(agent.tag for agent in found if agent.tag)
        print("   " + ", ".join(f"{tag} {count:,}" for tag, count in tags.most_common()))
    else:
        print("   " + agreement(texts))
    wrong = [
        (text, agent)
        for text, agent in zip(texts, found, strict=True)
        if (agent.class_ == "person") != (expected == "person")
    ]
    for text, agent in random.Random(1).sample(wrong, min(missed, len(wrong))):
        print(f"   {agent.robot or 'person'}: {text[:230]}")


def agreement(texts: Sequence[str]) -> str:
    """How often the fast parser gives the answers of `user_agents`."""
    chosen = random.Random(1).sample(texts, min(COMPARED, len(texts)))
    same = Counter[str]()
    for text in chosen:
        fast, slow = UserAgent(text), user_agents.parse(text)
        pairs = {name: (getattr(fast, name), getattr(slow, name)) for name in ANSWERS}
        pairs["browser"] = fast.browser.family, slow.browser.family
        pairs["system"] = fast.os.family, slow.os.family
        same.update(name for name, (ours, theirs) in pairs.items() if ours == theirs)
        same["all"] += all(ours == theirs for ours, theirs in pairs.values())
    shares = ", ".join(f"{name} {same[name] / len(chosen):.2%}" for name in (*pairs, "all"))
    return f"agreement with user_agents on {len(chosen):,}: {shares}"


if __name__ == "__main__":
    main()
