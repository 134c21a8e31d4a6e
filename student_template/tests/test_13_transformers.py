"""Module 13: transformers."""

from __future__ import annotations

import numpy as np
import pytest
from checklib import gradients, holds, raises, same, set_data


def tiny(tt, context=4):
    """Return a GPT in evaluation: 5 tokens, embed_dim 4, one block of two heads."""
    model = tt.GPT(5, 4, 1, 2, context)
    model.eval()
    return model


def decided(tt, logits):
    """Return a GPT whose logits are the ones given, at every place."""
    model = tiny(tt)
    set_data(model.ln_f.gamma, np.zeros(4))
    set_data(model.ln_f.beta, [1, 0, 0, 0])
    set_data(model.lm_head.weight, [logits, *np.zeros((3, 5))])
    return model


def normalised(x):
    x = x - x.mean(axis=-1, keepdims=True)
    return x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-5)


def test_13_1_causal_mask_is_the_lower_triangle(tt):
    got, want = tt.create_causal_mask(3), [[1, 0, 0], [1, 1, 0], [1, 1, 1]]
    same(got.reshape(3, 3), tt.Tensor(want), call="create_causal_mask(3)")


def test_13_2_layer_norm_centres_and_scales(tt):
    x = tt.Tensor([[1, 3], [10, 30], [5, 5]])  # each row has a mean and a variance
    want = tt.Tensor([[-1, 1], [-1, 1], [0, 0]])
    same(tt.LayerNorm(2)(x), want, call=f"LayerNorm(2)({x})", tol="reduction")


def test_13_2_layer_norm_has_gamma_and_beta(tt):
    layer = tt.LayerNorm(2)
    set_data(layer.gamma, [2, 3])
    set_data(layer.beta, [10, 20])
    got = layer(tt.Tensor([[[1, 3]]]))
    same(
        got, tt.Tensor([[[8, 23]]]), call="[-1, 1] * [2, 3] + [10, 20]", tol="reduction"
    )


def test_13_2_layer_norm_adds_eps_under_the_root(tt):
    got = tt.LayerNorm(2, eps=3.0)(tt.Tensor([[1, 3]]))
    same(got, tt.Tensor([[-0.5, 0.5]]), call="LayerNorm(2, eps=3)([[1, 3]])")


def test_13_2_layer_norm_is_exact_far_from_zero(tt):
    x = np.array([[1000, 1002, 1001, 1001]])
    got, call = (
        tt.LayerNorm(4)(tt.Tensor(x)),
        "LayerNorm(4)([[1000, 1002, 1001, 1001]])",
    )
    same(got, tt.Tensor([[-1.41420, 1.41420, 0, 0]]), call=call, tol="gradient")


def test_13_2_layer_norm_gradient(tt):
    rng = np.random.default_rng(0)
    x, call = 2 * rng.normal(size=(3, 5)), "LayerNorm(5)(x), x (3, 5)"
    gradients(tt, tt.LayerNorm(5), normalised, [x], rng, call=call)


def test_13_3_mlp_widens_four_times(tt):
    same(tt.MLP(3).linear1.weight.shape, (3, 12), call="MLP(3).linear1.weight.shape")
    same(tt.MLP(3, 5).linear2.weight.shape, (5, 3), call="MLP(3, 5).linear2...shape")


def test_13_4_mlp_bends_between_its_layers(tt):
    model = tt.MLP(2, 2)
    model.eval()
    for layer in (model.linear1, model.linear2):
        set_data(layer.weight, np.eye(2))
    got, call = model(tt.Tensor([[-9, 9]])), "MLP(2, 2)([[-9, 9]]), weights identity"
    same(got, tt.Tensor([[0, 9]]), call=call, tol="gelu")


def test_13_4_mlp_drops_in_training_only(tt):
    model, x = tt.MLP(10, dropout_prob=0.5), tt.Tensor(np.ones((20, 10)))
    share, call = float((model(x).data == 0).mean()), "zeros of MLP(10, None, 0.5)(x)"
    holds(0.2 < share < 0.8, call=call, expected="about half", got=f"{share:.0%}")
    model.eval()
    zeros = int((model(x).data == 0).sum())
    same(zeros, 0, call=f"{call} after eval()")


def test_13_5_block_has_its_parts(tt):
    count = len(tt.TransformerBlock(4, 2).parameters())
    same(count, 16, call="len(TransformerBlock(4, 2).parameters())", hint="2+8+2+4")


def test_13_6_block_adds_attention_then_mlp(tt):
    block, mask = tt.TransformerBlock(4, 2), tt.Tensor(np.tril(np.ones((3, 3))))
    block.eval()
    x = tt.Tensor(np.arange(12).reshape(1, 3, 4) ** 2)
    h = x + block.attention(block.ln1(x), mask)
    want = h + block.mlp(block.ln2(h))
    same(block(x, mask), want, call="TransformerBlock(4, 2)(x, mask)", tol="reduction")


def test_13_6_block_hands_gradients_through(tt):
    block, x = tt.TransformerBlock(4, 2), tt.Tensor(np.eye(4)[None], requires_grad=True)
    for p in block.parameters():
        set_data(p, np.zeros(p.shape))
    block(x).sum().backward()
    same(x.grad, np.ones((1, 4, 4)), call="x.grad, all weights zero", what="gradient")


def test_13_7_model_has_its_parts(tt):
    model, call = tt.GPT(5, 4, 3, 2, 6), "entries of GPT(5, 4, 3, 2, 6).parameters()"
    same(len(model.blocks), 3, call="len(GPT(5, 4, 3, 2, 6).blocks)")
    count = sum(p.size for p in model.parameters())
    want = 5 * 4 + 6 * 4 + 3 * (2 * 8 + 4 * 20 + 80 + 68) + 8 + 4 * 5
    same(count, want, call=call, hint="tokens, places, 3 blocks, ln_f, lm_head")


def test_13_8_model_gives_logits(tt):
    got = tiny(tt)(tt.Tensor([[1, 2, 3], [4, 0, 1]]))
    same(got.shape, (2, 3, 5), call="GPT(5, 4, 1, 2, 4)(ids).shape, ids (2, 3)")


def test_13_8_model_does_not_see_the_future(tt):
    model = tiny(tt)
    a, b = model([[1, 2, 3]]).data[:, :2], model([[1, 2, 4]]).data[:, :2]
    same(a, b, call="logits at places 0 and 1, for two different places 2")


def test_13_8_model_uses_places_and_the_past(tt):
    model = tiny(tt)
    a, b = model([[1, 1, 1]]).data, model([[2, 1, 1]]).data
    holds(np.abs(a[0, 1] - a[0, 2]).max() > 1e-4, call="places", expected="they count")
    holds(np.abs(a[0, 2] - b[0, 2]).max() > 1e-6, call="the past", expected="it counts")


def test_13_8_model_refuses_long_texts(tt):
    ids, call = [[0, 1, 2, 3, 4]], "GPT(5, 4, 1, 2, max_seq_len=4)([[0, 1, 2, 3, 4]])"
    raises(ValueError, tiny(tt), ids, call=call, mentions=[4, 5])


def test_13_8_every_parameter_gets_a_gradient(tt):
    model = tiny(tt)
    tt.CrossEntropyLoss()(model([[0, 1, 2]]).reshape(3, 5), [1, 2, 3]).backward()
    missing = [p.shape for p in model.parameters() if p.grad is None]
    call = "parameters without a gradient"
    holds(not missing, call=call, expected="none", got=str(missing))


def test_13_8_model_learns_what_comes_next(tt):
    model, text = tiny(tt), np.array([[0, 3, 1, 4]])
    adam, call = tt.Adam(model.parameters(), lr=0.03), "loss after 30 steps of Adam"
    for _ in range(30):
        adam.zero_grad()
        loss = tt.CrossEntropyLoss()(model(text[:, :3]).reshape(3, 5), text[0, 1:])
        loss.backward()
        adam.step()
    holds(loss.item() < 0.5, call=call, expected="below 0.5", got=f"{loss.item():.3g}")


def test_13_9_greedy_takes_the_largest_logit(tt):
    got = decided(tt, [0, 1, 5, 2, 3]).generate([[4], [1]], 2, temperature=0)
    want, call = tt.Tensor([[4, 2, 2], [1, 2, 2]]), "logits 0 1 5 2 3, two tokens more"
    same(got, want, call=call)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_13_9_tokens_are_drawn_by_probability(tt, temperature):
    model = decided(tt, [0, 1, -99, -99, -99])
    got = float(model.generate(np.zeros((2000, 1)), 1, temperature).data[:, 1].mean())
    want, call = 1 / (1 + np.exp(-1 / temperature)), f"temperature {temperature}"
    expected, call = f"about {want:.2f}", f"share of 1, logits 0 and 1, {call}"
    holds(abs(got - want) < 0.06, call=call, expected=expected, got=f"{got:.2f}")


def test_13_10_generation_continues_the_prompt(tt):
    got = tiny(tt, 9).generate(tt.Tensor([[1, 2], [3, 4]]), 3, temperature=1.0)
    same(got.shape, (2, 5), call="shape of generate(prompt (2, 2), 3)")
    same(got[:, :2], tt.Tensor([[1, 2], [3, 4]]), call="generate(prompt, 3)[:, :2]")


def test_13_10_generation_crops_to_the_context(tt):
    model = tiny(tt, context=3)
    text = np.array([[1, 2, 3, 4]])
    for _ in range(4):
        following = model(text[:, -3:]).data[:, -1].argmax(axis=-1)
        text = np.concatenate([text, following[:, None]], axis=1)
    got = model.generate([[1, 2, 3, 4]], 4, temperature=0)
    same(got, tt.Tensor(text), call="GPT(5, 4, 1, 2, 3).generate([[1, 2, 3, 4]], 4, 0)")


def test_13_10_generation_leaves_the_mode_and_no_trace(tt):
    model = tt.GPT(5, 4, 1, 2, 4)
    tracked = model.generate([[1]], 2, temperature=1.0).requires_grad
    holds(not tracked, call="generate(...).requires_grad", expected="False", got="True")
    call = "model.training after generate"
    holds(model.training, call=call, expected="True, as before", got="False")
