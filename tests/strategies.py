"""What hypothesis draws: layer configurations."""

from hypothesis import strategies as st

from skimrnn.config import GATES, SkimConfig
from skimrnn.routers import find_router


def configs():
    def build(cell, sizes, layers, bias, both, skim_input, shared, router_input, router):
        levels = tuple(sorted(sizes, reverse=True))
        if cell != "lstm":
            router_input = "hidden"
        if len(levels) == 1 or find_router(router).levels not in (None, len(levels)):
            router = "softmax"
        return SkimConfig(
            cell=cell,
            input_size=4,
            hidden_size=levels[0],
            levels=levels,
            num_layers=layers,
            bias=bias,
            bidirectional=both,
            skim_input=skim_input,
            shared=shared,
            router_input=router_input,
            router=router,
        )

    sizes = st.sets(st.integers(0, 40), min_size=1, max_size=5).filter(lambda s: max(s) > 0)
    return st.builds(
        build,
        st.sampled_from(list(GATES)),
        sizes,
        st.integers(1, 3),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["prefix", "full"]),
        st.booleans(),
        st.sampled_from(["hidden", "state"]),
        st.sampled_from(["softmax", "skip-rnn", "skipw", "vcrnn", "lstm-jump", "leap-lstm"]),
    )
