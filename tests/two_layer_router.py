"""A router with a hidden layer: the one file that a new router is."""

from skimrnn.routers import Router, register

UNITS = 3


@register
class TwoLayerRouter(Router):
    """``softmax(V tanh(W [x ; s] + b))``."""

    name = "two-layer"

    @staticmethod
    def parameter_shapes(config, inputs):
        return {
            "router_in_weight": (UNITS, inputs + config.router_state_size),
            "router_in_bias": (UNITS,),
            "router_out_weight": (len(config.levels), UNITS),
        }

    @staticmethod
    def operations(config, inputs):
        return UNITS * (inputs + config.router_state_size + len(config.levels))

    def prepare(self, x):
        weight = self.weights["router_in_weight"][:, : self.inputs]
        return self.ops.linear(x, weight, self.weights["router_in_bias"])

    def logits(self, prepared, s):
        weight = self.weights["router_in_weight"][:, self.inputs :]
        hidden = self.ops.tanh(prepared + self.ops.linear(s, weight))
        return self.ops.linear(hidden, self.weights["router_out_weight"])
