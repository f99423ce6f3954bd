#!/usr/bin/env python3
"""What RE2 itself says of patterns and values, by PyPI's google-re2.

re2_verdicts.py fill FILE   writes RE2's verdicts into a file of cases, one JSON object a line:
                            {"pattern": …, "refused": …, "size": …, "values": …, "bytes": …}
                            "values" maps texts and "bytes" maps hexadecimal bytes to whether the
                            whole of them matches; a new case may map them to null, and lacks the
                            rest. Lines with "about" are headings.
re2_verdicts.py serve       answers each line {"pattern": HEX, "values": [HEX, …]} of standard
                            input with a line {"refused": …, "size": …, "matches": [BOOL, …]}
"""

import json
import sys

from re2 import _re2

ANCHOR_BOTH = _re2.RE2.Anchor.ANCHOR_BOTH


def judge(pattern, values):
    """RE2's verdict on a pattern and on each of the values, all of them bytes."""
    options = _re2.RE2.Options()
    options.log_errors = False
    regexp = _re2.RE2(pattern, options)
    if not regexp.ok():
        return {"refused": regexp.error().decode(errors="replace")}
    # Match gives the span of each group that is asked for, (-1, -1) for none.
    spans = [regexp.Match(ANCHOR_BOTH, value, 0, len(value)) for value in values]
    return {"size": regexp.ProgramSize(), "matches": [span[0] != (-1, -1) for span in spans]}


def fill(path):
    with open(path, encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    for case in cases:
        if "about" in case:
            continue
        texts, raw = list(case.get("values", {})), list(case.get("bytes", {}))
        values = [text.encode() for text in texts] + [bytes.fromhex(text) for text in raw]
        verdict = judge(case["pattern"].encode(), values)
        matches = verdict.get("matches", [None] * len(values))
        case.pop("refused", None)
        case.pop("size", None)
        case |= {key: verdict[key] for key in ("refused", "size") if key in verdict}
        for key, keys, found in (
            ("values", texts, matches[: len(texts)]),
            ("bytes", raw, matches[len(texts) :]),
        ):
            if keys:
                case[key] = dict(zip(keys, found))
    with open(path, "w", encoding="utf-8") as file:
        for case in cases:
            file.write(json.dumps(case, ensure_ascii=True) + "\n")


def serve():
    for line in sys.stdin:
        case = json.loads(line)
        values = [bytes.fromhex(value) for value in case["values"]]
        print(json.dumps(judge(bytes.fromhex(case["pattern"]), values)), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "fill":
        fill(sys.argv[2])
    else:
        serve()
