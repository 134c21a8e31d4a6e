"""Hidden checks of module 10: tokenization.

Which id a character gets, and which of several equally frequent pairs is merged, is
left to the student; corpora here have one winner wherever the answer depends on it.
"""

from __future__ import annotations

import numpy as np

from grader.checks import holds, needs, points, same, spec, task

LETTERS = "abcdefghijklmnopqrstuvwxyz"
# Two, three and four bytes a character, accents apart from their letters, controls.
EXOTIC = "\u00e9\u00fc\u0431\u05d0\u20ac\u4e16\u754c\U0001f642\U0001f468\u0301\x00\x7f"
SPACES = " \n\t\r"
CHAR = "tokenization::char_round_trip"
BPE = "tokenization::bpe_round_trip"
FIRST = "tokenization::bpe_merges_the_most_frequent_pair_first"


def letters(rng, n):
    """Return n different letters as a string."""
    return "".join(rng.choice(list(LETTERS), size=n, replace=False))


def text_of(rng, alphabet, n):
    """Return a random text of n characters."""
    return "".join(rng.choice(list(alphabet), size=n))


def equal(got, want, *, call, hint=""):
    """Check that two texts are equal."""
    text = ascii(got)[:60] if isinstance(got, str) else f"a {type(got).__name__}"
    holds(got == want, call=call, expected=ascii(want)[:60], got=text, hint=hint)


def char(tt, corpus):
    """Return a CharTokenizer that knows the characters of `corpus`."""
    tokenizer = tt.CharTokenizer()
    tokenizer.build_vocab(corpus)
    return tokenizer


def bpe(tt, corpus, merges):
    """Return a BPETokenizer with room for so many merges, trained on `corpus`."""
    tokenizer = tt.BPETokenizer(vocab_size=257 + merges)
    tokenizer.train(corpus)
    return tokenizer


def raw(text):
    """Return the ids of a text without merges."""
    return [1 + b for b in text.encode()]


# Characters


@points(2)
@task("10.3")
@spec(
    "CharTokenizer.decode", "decode(encode(text)) == text if every character is known"
)
def test_char_round_trip(tt, rng):
    """Text of known characters comes back as it was."""
    corpus = text_of(rng, LETTERS + EXOTIC + SPACES, 60)
    tokenizer = char(tt, corpus)
    text = "".join(rng.permutation(list(corpus)))
    call = "build_vocab(corpus); decode(encode(text))"
    equal(tokenizer.decode(tokenizer.encode(text)), text, call=call)


@points(2)
@task("10.1")
@spec("CharTokenizer.build_vocab", "The n different characters get the ids 1 to n")
def test_char_ids_are_1_to_n(tt, rng):
    """N characters get the ids 1 to n, one each."""
    some = letters(rng, 7)
    got = char(tt, some * 3).encode(some)
    n = len(some)
    same(
        sorted(got),
        list(range(1, n + 1)),
        call=f"build_vocab(3 times the same {n} letters); sorted ids of the {n}",
        hint="0 is reserved; a set of the characters has each of them once.",
        misconceptions={
            "ids from 0 on, which is reserved": list(range(n)),
            "every character unknown": [0] * n,
            "code points instead of ids": sorted(map(ord, some)),
        },
    )


@needs("tokenization::char_ids_are_1_to_n")
@task("10.2")
@spec("CharTokenizer.encode", "Return the ids of the characters, one each")
def test_char_one_id_a_character(tt, rng):
    """Equal characters have equal ids, in the order of the text."""
    a, b = letters(rng, 2)
    tokenizer = char(tt, [a + b])
    one, two = tokenizer.encode(a)[0], tokenizer.encode(b)[0]
    want = [one, two, two, one, two]
    same(tokenizer.encode(a + b + b + a + b), want, call="encode('abbab')")


@points(2)
@task("10.2")
@spec("CharTokenizer.encode", "unknown ones become 0")
def test_char_unknown_is_0(tt, rng):
    """Characters that were never seen become id 0, each."""
    known, new = letters(rng, 6)[:5], EXOTIC[:3]
    tokenizer = char(tt, known)
    same(
        tokenizer.encode(new + new[0]),
        [0, 0, 0, 0],
        call="encode(4 characters that are not in the corpus)",
        hint="A dictionary's get has a second argument.",
        misconceptions={"left out": []},
    )


@task("10.3")
@spec("CharTokenizer.decode", "Id 0 decodes to U+FFFD.")
def test_char_0_is_the_replacement_character(tt, rng):
    """Id 0 decodes to U+FFFD."""
    a = letters(rng, 1)
    tokenizer = char(tt, a)
    got = tokenizer.decode([0, tokenizer.encode(a)[0], 0])
    equal(got, f"\ufffd{a}\ufffd", call=f"decode([0, id of {a!r}, 0])")


@needs("tokenization::char_ids_are_1_to_n")
@task("10.1")
@spec("CharTokenizer", "vocab: the characters that are known, or None")
def test_char_vocab_may_be_given(tt, rng):
    """CharTokenizer(list of characters) knows these characters."""
    some = letters(rng, 6)
    got = tt.CharTokenizer(list(some[:5])).encode(some)
    call = "CharTokenizer(5 letters).encode(these and another one)"
    same(sorted(got), [0, 1, 2, 3, 4, 5], call=call)


@needs("tokenization::char_ids_are_1_to_n")
@task("10.1")
@spec("CharTokenizer.build_vocab", "`corpus`, a string or a list of strings.")
def test_char_corpus_may_be_a_list(tt, rng):
    """A list of strings is a corpus too."""
    some = letters(rng, 6)
    got = char(tt, [some[:4], some[2:]]).encode(some)
    call = "build_vocab([text, text]); sorted ids of all 6 letters"
    same(sorted(got), [1, 2, 3, 4, 5, 6], call=call)


@needs("tokenization::char_ids_are_1_to_n")
@task("10.1")
@spec("CharTokenizer.build_vocab", "What was learned before is forgotten.")
def test_char_vocab_is_built_anew(tt, rng):
    """build_vocab forgets the characters of an earlier corpus."""
    some = letters(rng, 6)
    tokenizer = char(tt, some[:3])
    tokenizer.build_vocab(some[3:])
    got = tokenizer.encode(some)
    call = "build_vocab(3 letters); build_vocab(3 others); sorted ids of all 6"
    wrong = {"the first corpus not forgotten": [1, 2, 3, 4, 5, 6]}
    same(sorted(got), [0, 0, 0, 1, 2, 3], call=call, misconceptions=wrong)


@needs(CHAR)
@task("10.3")
@spec("CharTokenizer.decode", "`ids`, a list or an array of ints, stand for.")
def test_char_decodes_arrays(tt, rng):
    """Decode takes an array of ids, as a model gives it."""
    some = letters(rng, 5)
    tokenizer = char(tt, some)
    got = tokenizer.decode(np.array(tokenizer.encode(some)))
    equal(got, some, call="decode(np.array(encode(text)))")


# Byte pairs


@points(3)
@task("10.6")
@spec("BPETokenizer.decode", "decode(encode(text)) == text for any text")
def test_bpe_round_trip(tt, rng):
    """Any text comes back, seen in training or not."""
    plain = text_of(rng, LETTERS[:4] + " ", 200)
    tokenizer = bpe(tt, plain, 20)
    for name, text in (
        ("letters of the corpus", text_of(rng, LETTERS[:4] + " ", 50)),
        ("any characters", text_of(rng, LETTERS + EXOTIC + SPACES, 80)),
        ("only whitespace", text_of(rng, SPACES, 9)),
        ("nothing", ""),
    ):
        call = f"train(letters); decode(encode({name}))"
        hint = "Join the bytes of all tokens, then decode them once."
        equal(tokenizer.decode(tokenizer.encode(text)), text, call=call, hint=hint)


@points(2)
@task("10.5")
@spec("BPETokenizer", "id 1 + b stands for the byte b")
def test_bpe_without_training_is_bytes(tt, rng):
    """Without merges, a text is its UTF-8 bytes, each plus 1."""
    text = text_of(rng, EXOTIC[:8], 12) + letters(rng, 3)
    points_of = [1 + ord(c) for c in text]
    same(
        tt.BPETokenizer().encode(text),
        raw(text),
        call="BPETokenizer().encode(text with letters of many bytes)",
        hint="text.encode() gives the bytes; 0 is reserved.",
        misconceptions={
            "the bytes themselves, without 1 added": list(text.encode()),
            "code points instead of bytes": points_of,
        },
    )


@points(3)
@needs("tokenization::bpe_without_training_is_bytes")
@task("10.4")
@spec("BPETokenizer.train", "occurs most often gets the next free id")
def test_bpe_merges_the_most_frequent_pair_first(tt, rng):
    """The most frequent pair of the corpus becomes id 257."""
    a, b, c, d = letters(rng, 4)
    corpus = f"{a}{b}{c} {d}{a}{b} {a}{b} {c}{d} {c}{d}"
    same(
        bpe(tt, corpus, 1).encode(a + b + c + d),
        [257, *raw(c + d)],
        call="'abc dab ab cd cd', one merge; encode('abcd')",
        hint="Count all neighbouring pairs, in all runs, with the runs' frequencies.",
        misconceptions={
            "the least frequent pair merged": [*raw(a), 257, *raw(d)],
            "the most frequent run merged, not the pair": [*raw(a + b), 257],
            "no merge at all": raw(a + b + c + d),
            "merges numbered from 256": [256, *raw(c + d)],
        },
    )


@points(2)
@needs(FIRST)
@task("10.4")
@spec("BPETokenizer.train", "and is replaced by it everywhere.")
def test_bpe_merges_merges(tt, rng):
    """Merged pairs take part in later merges: a word becomes one token."""
    a, b, c, d = letters(rng, 4)
    corpus = f"{a}{b}{c}{d} " * 2 + f"{a}{b}{c} {a}{b}"
    same(
        bpe(tt, corpus, 3).encode(a + b + c + d),
        [259],
        call="'abcd abcd abc ab', three merges; encode('abcd')",
        hint="Replace the pair in every run before you count again.",
        misconceptions={
            "pairs of bytes only": [257, *raw(c + d)],
            "one merge only, then none": [257, 258],
        },
    )


@points(2)
@needs(FIRST)
@task("10.5")
@spec("BPETokenizer.encode", "the pair that was learned first among those present")
def test_bpe_merges_in_the_order_learned(tt, rng):
    """Encoding merges in the order of training, not from the left."""
    a, b, c = sorted(letters(rng, 3))  # else the order of bytes may be right by chance
    corpus = f"{b}{c} " * 5 + f"{a}{b} " * 3
    same(
        bpe(tt, corpus, 2).encode(a + b + c),
        [*raw(a), 257],
        call="'bc' 5 times, 'ab' 3 times, two merges; encode('abc')",
        hint="Ask every pair of the run which merge it is, and take the smallest.",
        misconceptions={
            "merged from the left, whatever was learned first": [258, *raw(c)],
            "no merge at all": raw(a + b + c),
        },
    )


@needs(FIRST)
@task("10.5")
@spec("BPETokenizer.encode", "is merged wherever it occurs, from the left")
def test_bpe_merges_every_occurrence(tt, rng):
    """A pair is merged at each place; overlaps go from the left."""
    a, b = letters(rng, 2)
    corpus = f"{a}{a} " * 3 + b
    same(
        bpe(tt, corpus, 1).encode(a * 3 + b + a * 2),
        [257, *raw(a + b), 257],
        call="train: 'aa' only; encode('aaabaa')",
        misconceptions={"only the first place merged": [257, *raw(a + b + a + a)]},
    )


@points(2)
@needs(FIRST)
@task("10.4")
@spec("BPETokenizer.train", "so a merge never crosses whitespace")
def test_bpe_never_crosses_whitespace(tt, rng):
    """No token has whitespace between other characters."""
    a, b, c = letters(rng, 3)
    corpus = f"{a} {b} " * 9 + f"{b}\n{c}\n" * 9
    tokenizer = bpe(tt, corpus, 30)
    for text in (f"{a} {b}", f"{b}\n{c}"):
        for token in tokenizer.encode(text):
            said = tokenizer.decode([token])
            crosses = len(said.split()) > 1
            holds(
                not crosses,
                call=f"train(text with {text!r} 9 times): a token of it",
                expected="no whitespace inside",
                got=repr(said),
                hint="Count and merge inside each run of `_runs(text)` only.",
            )


@needs(FIRST)
@task("10.4")
@spec("BPETokenizer.train", "nor the end of a text.")
def test_bpe_takes_a_list_of_strings(tt, rng):
    """A list of strings is a corpus; no pair crosses from one to the next."""
    a, b, c, d, *others = letters(rng, 14)
    corpus = [text for x in others for text in (x + a, b + x)] + [c + d] * 3
    same(
        bpe(tt, corpus, 1).encode(a + b + c + d),
        [*raw(a + b), 257],
        call="train(['ea', 'be', 'fa', 'bf', ..., 3 times 'cd']); encode('abcd')",
        hint="Joining the strings makes pairs that no string has.",
        misconceptions={"pairs counted across strings": [257, *raw(c + d)]},
    )


@needs(FIRST)
@task("10.4")
@spec("BPETokenizer.train", "It ends when there are `vocab_size` ids")
def test_bpe_stops_at_vocab_size(tt, rng):
    """No id is as large as vocab_size, and the room is used."""
    corpus = text_of(rng, LETTERS[:8], 400)
    ids = bpe(tt, corpus, 25).encode(corpus)
    holds(
        max(ids) == 257 + 24,
        call="vocab_size=282, a long text: the largest id in encode(text)",
        expected="281",
        got=str(max(ids)),
        hint="Ids run from 0 to vocab_size - 1; 257 of them are there from the start.",
    )
    same(tt.BPETokenizer().vocab_size, 1000, call="BPETokenizer().vocab_size")


@needs("tokenization::bpe_merges_merges")
@task("10.4")
@spec("BPETokenizer.train", "Ties go to any pair, but to the same one on every run")
def test_bpe_is_deterministic(tt, rng):
    """Two trainings on a corpus full of ties give the same merges."""
    words = [letters(rng, 4) for _ in range(12)]
    corpus = " ".join(words * 2)
    got = [bpe(tt, corpus, 20).encode(corpus) for _ in range(2)]
    call = "BPETokenizer().train(corpus) with many ties: encode(corpus), twice"
    hint = "Order ties yourself, for example by the pair; sets have no order."
    same(got[1], got[0], call=call, hint=hint)


@needs("tokenization::bpe_merges_merges")
@task("10.4")
@spec("BPETokenizer.train", "What was learned before is forgotten.")
def test_bpe_is_trained_anew(tt, rng):
    """Train forgets the merges of an earlier corpus."""
    a, b, c, d = letters(rng, 4)
    tokenizer = bpe(tt, f"{a}{b} " * 5, 1)
    tokenizer.train(f"{c}{d} " * 5)
    same(
        tokenizer.encode(a + b + c + d),
        [*raw(a + b), 257],
        call="train('ab' 5 times); train('cd' 5 times), one merge; encode('abcd')",
        misconceptions={
            "the first training not forgotten": [257, *raw(c + d)],
            "both trainings kept": [257, 258],
        },
    )


@points(2)
@needs(BPE, FIRST)
@task("10.4")
@spec("BPETokenizer.train", "Pairs are counted inside runs only")
def test_bpe_compresses(tt, rng):
    """Words that come again and again become few tokens."""
    words = [text_of(rng, LETTERS, 6) for _ in range(5)]
    corpus = " ".join(rng.choice(words, size=200))
    tokenizer = bpe(tt, corpus, 60)
    text = " ".join(words)
    count = len(tokenizer.encode(text))
    holds(
        count <= 2 * len(words),
        call="5 words of 6 letters, 200 times, 60 merges: len(encode(the 5 words))",
        expected="at most 10: each word and each space is one token",
        got=str(count),
        hint="Go on merging, of bytes and of merges, until vocab_size is reached.",
    )


@needs(BPE)
@task("10.6")
@spec(
    "BPETokenizer.decode", "Bytes that are not UTF-8 decode to U+FFFD, and so does id 0"
)
def test_bpe_decodes_what_is_no_text(tt, rng):
    """Id 0 and broken UTF-8 decode to U+FFFD, without an error."""
    a = letters(rng, 1)
    (first, _, _) = raw("\u20ac")
    for ids, name in (([0], "0"), ([first], "the first byte of three")):
        got = tt.BPETokenizer().decode([*raw(a), *ids, *raw(a)])
        call = f"decode([id of {a!r}, {name}, id of {a!r}])"
        hint = "bytes.decode has an argument for errors."
        equal(got, f"{a}\ufffd{a}", call=call, hint=hint)


@needs(BPE)
@task("10.6")
@spec("BPETokenizer.decode", "`ids`, a list or an array of ints, stand for.")
def test_bpe_decodes_arrays(tt, rng):
    """Decode takes an array of ids, as a model gives it."""
    text = text_of(rng, LETTERS + EXOTIC, 20)
    tokenizer = tt.BPETokenizer()
    got = tokenizer.decode(np.array(tokenizer.encode(text)))
    equal(got, text, call="decode(np.array(encode(text)))")
