"""Module 10: tokenization."""

from __future__ import annotations

from checklib import holds, same

ANY = "na\u00efve \u20ac5,\n\t\u4e16\u754c \U0001f642"


def equal(got, want, call, hint=""):
    """Check that two texts are equal."""
    holds(got == want, call=call, expected=repr(want), got=repr(got), hint=hint)


def test_10_1_the_characters_get_the_ids_from_1(tt):
    tokenizer = tt.CharTokenizer()
    tokenizer.build_vocab("abba")
    same(tokenizer.vocab_size, 3, call="build_vocab('abba'): vocab_size")
    same(sorted(tokenizer.encode("ab")), [1, 2], call="sorted(encode('ab'))")


def test_10_1_a_corpus_may_be_a_list(tt):
    tokenizer = tt.CharTokenizer()
    tokenizer.build_vocab(["ab", "c"])
    same(sorted(tokenizer.encode("abc")), [1, 2, 3], call="sorted(encode('abc'))")


def test_10_2_unknown_characters_become_0(tt):
    got = tt.CharTokenizer(["a", "b"]).encode("xax")
    same([got[0], got[2]], [0, 0], call="CharTokenizer(['a', 'b']).encode('xax')")


def test_10_3_decode_gives_the_text_back(tt):
    tokenizer = tt.CharTokenizer(list("helo"))
    call = "decode(encode('hello'))"
    equal(tokenizer.decode(tokenizer.encode("hello")), "hello", call)
    equal(tokenizer.decode([0]), "\ufffd", "decode([0])")


def test_10_4_the_most_frequent_pair_is_the_first_merge(tt):
    tokenizer = tt.BPETokenizer(vocab_size=258)
    tokenizer.train("xy xyz zxy")
    same(tokenizer.encode("xy"), [257], call="train('xy xyz zxy'); encode('xy')")


def test_10_4_merges_are_merged_again(tt):
    tokenizer = tt.BPETokenizer(vocab_size=259)
    tokenizer.train(["abc abc", "abc"])
    same(tokenizer.encode("abc"), [258], call="train: 3 times 'abc'; encode('abc')")


def test_10_4_no_merge_crosses_whitespace(tt):
    tokenizer = tt.BPETokenizer(vocab_size=300)
    tokenizer.train("a b a b a b")
    want = [1 + ord(c) for c in "a b"]
    same(tokenizer.encode("a b"), want, call="train('a b a b a b'); encode('a b')")


def test_10_4_training_twice_gives_the_same(tt):
    tokenizer = tt.BPETokenizer(vocab_size=260)
    tokenizer.train("ab cd ef gh " * 2)  # all pairs are as frequent
    first = tokenizer.encode("abcdefgh")
    tokenizer.train("ab cd ef gh " * 2)
    same(tokenizer.encode("abcdefgh"), first, call="train, encode; the same once more")


def test_10_5_the_merge_learned_first_goes_first(tt):
    tokenizer = tt.BPETokenizer(vocab_size=259)
    tokenizer.train("bc bc bc bc ab ab")  # bc is 257, ab is 258
    want, call = [1 + ord("a"), 257], "encode('abc') where bc was learned before ab"
    same(tokenizer.encode("abc"), want, call=call)


def test_10_5_without_training_there_are_bytes(tt):
    same(tt.BPETokenizer().encode("h\u00e9"), [105, 196, 170], call="encode('h\u00e9')")


def test_10_6_any_text_comes_back(tt):
    tokenizer = tt.BPETokenizer(vocab_size=300)
    tokenizer.train("only plain letters, only plain letters")
    equal(tokenizer.decode(tokenizer.encode(ANY)), ANY, "decode(encode(any text))")


def test_10_6_what_is_no_text_becomes_the_replacement_character(tt):
    equal(tt.BPETokenizer().decode([0, 105]), "\ufffdh", "decode([0, 105])")
    equal(tt.BPETokenizer().decode([196]), "\ufffd", "decode([196]), half of a letter")
