"""Tables of made-up texts, written and read with the standard library alone."""

import csv
import json

PIECES = ("the film is good", "bad", 'so "quoted", yes', "two\nlines", "é 😀", "isn't\r\nbad", "")


def write_csv(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def write_jsonl(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read_jsonl(path):
    return [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
