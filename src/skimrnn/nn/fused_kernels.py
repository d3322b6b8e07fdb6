"""Both directions of a layer in one GPU kernel: the mixture of ``steps.Mixing``, and back.

In Triton, which comes with torch's CUDA builds. A program takes ``ROWS`` texts from token to token
in one direction; what it wrote in one step its threads see in the next, after a barrier. Of two
levels one number a token is enough: the router's logits enter by their difference alone, ``delta``,
and the share of the skim is ``sigmoid((delta + noise) / τ)``.

Letters: N tokens, D hidden size, S skim size. Every array has one part for each direction, which
comes first in its shape and is left out below. Gates lie in torch's order i, f, g, o. Weights are
given as the product reads them, one row for each number that comes in.
"""

from __future__ import annotations

import triton
from triton import language as tl


@triton.jit
def _tanh(x):
    return 2 * tl.sigmoid(2 * x) - 1


@triton.jit
def _times(h, w):
    return tl.dot(h, w, input_precision="ieee")


@triton.jit
def _gates(
    state, weights, parts, rows, token, alive, begin, seen, SIZE, D: tl.constexpr,
    ROWS: tl.constexpr, UNITS: tl.constexpr, SEEN: tl.constexpr,
):  # fmt: skip
    """The activated gates of ``UNITS`` units of one cell, each (ROWS, UNITS)."""
    unit = begin + tl.arange(0, UNITS)
    held = unit < SIZE
    at = token[:, None] * (4 * SIZE) + unit[None, :]
    here = alive[:, None] & held[None, :]
    i = tl.load(parts + at, mask=here, other=0.0)
    f = tl.load(parts + at + SIZE, mask=here, other=0.0)
    g = tl.load(parts + at + 2 * SIZE, mask=here, other=0.0)
    o = tl.load(parts + at + 3 * SIZE, mask=here, other=0.0)
    for k in range(0, seen, SEEN):
        number = k + tl.arange(0, SEEN)
        h = tl.load(
            state + rows[:, None] * D + number[None, :],
            mask=alive[:, None] & (number < seen)[None, :],
            other=0.0,
        )
        w = weights + number[:, None] * (4 * SIZE) + unit[None, :]
        inside = (number < seen)[:, None] & held[None, :]
        i += _times(h, tl.load(w, mask=inside, other=0.0))
        f += _times(h, tl.load(w + SIZE, mask=inside, other=0.0))
        g += _times(h, tl.load(w + 2 * SIZE, mask=inside, other=0.0))
        o += _times(h, tl.load(w + 3 * SIZE, mask=inside, other=0.0))
    return tl.sigmoid(i), tl.sigmoid(f), _tanh(g), tl.sigmoid(o)


@triton.jit
def _keep(gates, token, unit, here, i, f, g, o, SIZE):
    at = gates + token[:, None] * (4 * SIZE) + unit[None, :]
    tl.store(at, i, mask=here)
    tl.store(at + SIZE, f, mask=here)
    tl.store(at + 2 * SIZE, g, mask=here)
    tl.store(at + 3 * SIZE, o, mask=here)


@triton.jit
def _kept(gates, token, unit, here, SIZE):
    at = gates + token[:, None] * (4 * SIZE) + unit[None, :]
    i = tl.load(at, mask=here, other=0.0)
    f = tl.load(at + SIZE, mask=here, other=0.0)
    g = tl.load(at + 2 * SIZE, mask=here, other=0.0)
    o = tl.load(at + 3 * SIZE, mask=here, other=0.0)
    return i, f, g, o


@triton.jit
def _through(
    gates, weights, token, alive, unit, SIZE, SEES,
    ROWS: tl.constexpr, UNITS: tl.constexpr, SEEN: tl.constexpr,
):  # fmt: skip
    """What the gates' gradients of one cell are to the units of h that it sees, (ROWS, UNITS)."""
    total = tl.zeros((ROWS, UNITS), tl.float32)
    for k in range(0, 4 * SIZE, SEEN):
        number = k + tl.arange(0, SEEN)
        inside = number < 4 * SIZE
        gate = tl.load(
            gates + token[:, None] * (4 * SIZE) + number[None, :],
            mask=alive[:, None] & inside[None, :],
            other=0.0,
        )
        w = tl.load(
            weights + number[:, None] * SEES + unit[None, :],
            mask=inside[:, None] & (unit < SEES)[None, :],
            other=0.0,
        )
        total += _times(gate, w)
    return total


@triton.jit
def forward(
    delta_x,  # (N,): the token's part of delta
    noise,  # (N,): of the skim, less that of the read; with CHOOSE a limit for each row, (B,)
    router,  # (2, D): how c and h add to delta
    full_x,  # (N, 4 D): the token's part of the full cell's gates
    full_w,  # (D, 4 D)
    small_x,  # (N, 4 S)
    small_w,  # (seen, 4 S)
    first,  # (T + 1,): where each step's tokens begin
    h,  # (2, B, D): in turn before and after a step; the first state lies in [0]
    c,
    outputs,  # (N, D)
    h_before,  # (N, D), written where KEEP
    c_before,
    delta,  # (N,), written unless PLAIN
    share,  # (N,): of the skim, before it is taken whole; likewise
    full_gates,  # (N, 4 D), activated, written where KEEP
    small_gates,  # (N, 4 S)
    temperature,
    tokens,
    batch,
    steps,
    D: tl.constexpr,
    S: tl.constexpr,
    SMALL_SEES: tl.constexpr,
    C_ROUTED: tl.constexpr,
    PLAIN: tl.constexpr,
    HARD: tl.constexpr,
    CHOOSE: tl.constexpr,
    KEEP: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    SEEN: tl.constexpr,
):
    """Outputs, decisions and last states; what ``backward`` needs where ``KEEP`` says so."""
    direction = tl.program_id(1).to(tl.int64)
    delta_x += direction * tokens
    noise += direction * (batch if CHOOSE else tokens)
    router += direction * 2 * D
    full_x += direction * tokens * 4 * D
    full_w += direction * 4 * D * D
    small_x += direction * tokens * 4 * S
    small_w += direction * SMALL_SEES * 4 * S
    h += direction * 2 * batch * D
    c += direction * 2 * batch * D
    outputs += direction * tokens * D
    h_before += direction * tokens * D
    c_before += direction * tokens * D
    delta += direction * tokens
    share += direction * tokens
    full_gates += direction * tokens * 4 * D
    small_gates += direction * tokens * 4 * S
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    real = rows < batch
    passed = 0
    while passed < steps:
        t = tl.where(direction == 1, steps - 1 - passed, passed)
        begins = tl.load(first + t)
        alive = rows < tl.load(first + t + 1) - begins
        token = (begins + rows).to(tl.int64)
        now = (passed % 2) * batch * D
        after = ((passed + 1) % 2) * batch * D

        skims = tl.zeros((ROWS,), tl.float32)
        if not PLAIN:
            difference = tl.load(delta_x + token, mask=alive, other=0.0)
            for u in tl.static_range(0, D, UNITS):
                unit = u + tl.arange(0, UNITS)
                here = alive[:, None] & (unit < D)[None, :]
                at = now + rows[:, None] * D + unit[None, :]
                v = tl.load(router + D + unit, mask=unit < D, other=0.0)
                difference += tl.sum(tl.load(h + at, mask=here, other=0.0) * v[None, :], axis=1)
                if C_ROUTED:
                    v = tl.load(router + unit, mask=unit < D, other=0.0)
                    difference += tl.sum(tl.load(c + at, mask=here, other=0.0) * v[None, :], axis=1)
            tl.store(delta + token, difference, mask=alive)
            if CHOOSE:
                limit = tl.load(noise + rows, mask=real, other=2.0)
                skims = tl.where(tl.sigmoid(difference) > limit, 1.0, 0.0)
                tl.store(share + token, skims, mask=alive)
            else:
                drawn = tl.load(noise + token, mask=alive, other=0.0)
                skims = tl.sigmoid((difference + drawn) / temperature)
                tl.store(share + token, skims, mask=alive)
                if HARD:
                    skims = tl.where(skims > 0.5, 1.0, 0.0)
        skims = skims[:, None]

        for u in tl.static_range(0, D, UNITS):
            unit = u + tl.arange(0, UNITS)
            within = (unit < D)[None, :]
            here = alive[:, None] & within
            at = rows[:, None] * D + unit[None, :]
            h_old = tl.load(h + now + at, mask=real[:, None] & within, other=0.0)
            c_old = tl.load(c + now + at, mask=real[:, None] & within, other=0.0)
            i, f, g, o = _gates(
                h + now, full_w, full_x, rows, token, alive, u, D, D, D, ROWS, UNITS, SEEN
            )
            c_full = f * c_old + i * g
            h_full = o * _tanh(c_full)
            c_skim = c_old
            h_skim = h_old
            if KEEP:
                _keep(full_gates, token, unit, here, i, f, g, o, D)
                place = token[:, None] * D + unit[None, :]
                tl.store(h_before + place, h_old, mask=here)
                tl.store(c_before + place, c_old, mask=here)
            if u < S:
                i, f, g, o = _gates(
                    h + now, small_w, small_x, rows, token, alive, u, SMALL_SEES, S, D,
                    ROWS, UNITS, SEEN,
                )  # fmt: skip
                small = (unit < S)[None, :]
                c_small = f * c_old + i * g
                c_skim = tl.where(small, c_small, c_skim)
                h_skim = tl.where(small, o * _tanh(c_small), h_skim)
                if KEEP:
                    _keep(small_gates, token, unit, here & small, i, f, g, o, S)
            h_new = (1 - skims) * h_full + skims * h_skim
            c_new = (1 - skims) * c_full + skims * c_skim
            tl.store(outputs + token[:, None] * D + unit[None, :], h_new, mask=here)
            stored = real[:, None] & within
            tl.store(h + after + at, tl.where(alive[:, None], h_new, h_old), mask=stored)
            tl.store(c + after + at, tl.where(alive[:, None], c_new, c_old), mask=stored)
        tl.debug_barrier()
        passed += 1


@triton.jit
def backward(
    outputs_grad,  # (N, D)
    delta_grad,  # (N,): of delta as it was given out
    router,  # (2, D)
    full_w,  # (4 D, D)
    small_w,  # (4 S, seen)
    first,  # (T + 1,)
    h,  # (2, B, D): the gradient of the last state lies in [0], that of the first ends in [T % 2]
    c,
    h_before,  # (N, D)
    c_before,
    share,  # (N,)
    full_gates,  # (N, 4 D): activated; overwritten with the gradients before it
    small_gates,  # (N, 4 S)
    delta,  # (N,): its gradient, written unless PLAIN
    temperature,
    tokens,
    batch,
    steps,
    D: tl.constexpr,
    S: tl.constexpr,
    SMALL_SEES: tl.constexpr,
    C_ROUTED: tl.constexpr,
    PLAIN: tl.constexpr,
    HARD: tl.constexpr,
    ROWS: tl.constexpr,
    UNITS: tl.constexpr,
    SEEN: tl.constexpr,
):
    """The gradients of what ``forward`` was given, from its end to its beginning.

    Those of weights are left to the caller, who has the gates' and the states before them.
    """
    direction = tl.program_id(1).to(tl.int64)
    outputs_grad += direction * tokens * D
    delta_grad += direction * tokens
    router += direction * 2 * D
    full_w += direction * 4 * D * D
    small_w += direction * SMALL_SEES * 4 * S
    h += direction * 2 * batch * D
    c += direction * 2 * batch * D
    h_before += direction * tokens * D
    c_before += direction * tokens * D
    share += direction * tokens
    full_gates += direction * tokens * 4 * D
    small_gates += direction * tokens * 4 * S
    delta += direction * tokens
    rows = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    real = rows < batch
    passed = 0
    while passed < steps:
        t = tl.where(direction == 1, passed, steps - 1 - passed)
        begins = tl.load(first + t)
        alive = rows < tl.load(first + t + 1) - begins
        token = (begins + rows).to(tl.int64)
        now = (passed % 2) * batch * D
        after = ((passed + 1) % 2) * batch * D

        skims = tl.zeros((ROWS,), tl.float32)
        of_delta = tl.zeros((ROWS,), tl.float32)
        if not PLAIN:
            soft = tl.load(share + token, mask=alive, other=0.0)
            skims = soft
            if HARD:
                skims = tl.where(soft > 0.5, 1.0, 0.0)
            of_share = tl.zeros((ROWS,), tl.float32)
            for u in tl.static_range(0, D, UNITS):
                unit = u + tl.arange(0, UNITS)
                here = alive[:, None] & (unit < D)[None, :]
                at = rows[:, None] * D + unit[None, :]
                place = token[:, None] * D + unit[None, :]
                dh = tl.load(h + now + at, mask=here, other=0.0)
                dh += tl.load(outputs_grad + place, mask=here, other=0.0)
                dc = tl.load(c + now + at, mask=here, other=0.0)
                h_old = tl.load(h_before + place, mask=here, other=0.0)
                c_old = tl.load(c_before + place, mask=here, other=0.0)
                i, f, g, o = _kept(full_gates, token, unit, here, D)
                c_full = f * c_old + i * g
                of_share -= tl.sum(dh * o * _tanh(c_full) + dc * c_full, axis=1)
                if u < S:
                    small = (unit < S)[None, :]
                    i, f, g, o = _kept(small_gates, token, unit, here & small, S)
                    c_small = f * c_old + i * g
                    c_old = tl.where(small, c_small, c_old)
                    h_old = tl.where(small, o * _tanh(c_small), h_old)
                of_share += tl.sum(dh * h_old + dc * c_old, axis=1)
            of_delta = of_share * soft * (1 - soft) / temperature
            of_delta += tl.load(delta_grad + token, mask=alive, other=0.0)
            tl.store(delta + token, of_delta, mask=alive)
        tl.debug_barrier()  # what follows overwrites gates that other threads may still read

        for u in tl.static_range(0, D, UNITS):
            unit = u + tl.arange(0, UNITS)
            within = (unit < D)[None, :]
            here = alive[:, None] & within
            at = rows[:, None] * D + unit[None, :]
            place = token[:, None] * D + unit[None, :]
            dh_old = tl.load(h + now + at, mask=real[:, None] & within, other=0.0)
            dc_old = tl.load(c + now + at, mask=real[:, None] & within, other=0.0)
            dh = dh_old + tl.load(outputs_grad + place, mask=here, other=0.0)
            c_old = tl.load(c_before + place, mask=here, other=0.0)
            h_part = skims[:, None] * dh
            c_part = skims[:, None] * dc_old
            if u < S:
                small = (unit < S)[None, :]
                i, f, g, o = _kept(small_gates, token, unit, here & small, S)
                th = _tanh(f * c_old + i * g)
                dc = c_part + h_part * o * (1 - th * th)
                _keep(
                    small_gates, token, unit, here & small,
                    dc * g * i * (1 - i), dc * c_old * f * (1 - f), dc * i * (1 - g * g),
                    h_part * th * o * (1 - o), S,
                )  # fmt: skip
                c_part = tl.where(small, dc * f, c_part)
                h_part = tl.where(small, 0.0, h_part)
            i, f, g, o = _kept(full_gates, token, unit, here, D)
            th = _tanh(f * c_old + i * g)
            dh = (1 - skims[:, None]) * dh
            dc = (1 - skims[:, None]) * dc_old + dh * o * (1 - th * th)
            _keep(
                full_gates, token, unit, here,
                dc * g * i * (1 - i), dc * c_old * f * (1 - f), dc * i * (1 - g * g),
                dh * th * o * (1 - o), D,
            )  # fmt: skip
            c_part += dc * f
            if not PLAIN:
                v = tl.load(router + D + unit, mask=unit < D, other=0.0)
                h_part += of_delta[:, None] * v[None, :]
            if C_ROUTED:
                v = tl.load(router + unit, mask=unit < D, other=0.0)
                c_part += of_delta[:, None] * v[None, :]
            stored = real[:, None] & within
            tl.store(h + after + at, tl.where(alive[:, None], h_part, dh_old), mask=stored)
            tl.store(c + after + at, tl.where(alive[:, None], c_part, dc_old), mask=stored)
        tl.debug_barrier()

        for u in tl.static_range(0, D, UNITS):
            unit = u + tl.arange(0, UNITS)
            here = alive[:, None] & (unit < D)[None, :]
            at = rows[:, None] * D + unit[None, :]
            dh = tl.load(h + after + at, mask=here, other=0.0)
            dh += _through(full_gates, full_w, token, alive, unit, D, D, ROWS, UNITS, SEEN)
            if u < SMALL_SEES:
                dh += _through(
                    small_gates, small_w, token, alive, unit, S, SMALL_SEES, ROWS, UNITS, SEEN
                )
            tl.store(h + after + at, dh, mask=here)
        tl.debug_barrier()
        passed += 1
