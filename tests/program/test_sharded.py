"""The sums of a Program traced for JAX, with the data points spread over several devices."""

import pytest
from own_process import run_python

SCRIPT = """
import jax, jax.numpy as jnp, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec as P
from micrograd_bp import MLP, Program, Value, sum_of_squares

jax.config.update("jax_enable_x64", True)
devices = jax.devices()
assert len(devices) == 4
model = MLP(2, [5, 1], hidden="tanh", seed=0)
leaves = [Value(0.5), Value(0.2), Value(0.1)]
E_n = sum_of_squares(model(leaves[:2]), leaves[2])
program = Program(E_n, inputs=leaves, parameters=model.parameters())
theta = np.array([w.data for w in model.parameters()])
data = np.random.default_rng(0).normal(size=(1000, 3))

mesh = Mesh(np.array(devices), ("points",))
points = jax.device_put(data, NamedSharding(mesh, P("points")))
weights = jax.device_put(theta, NamedSharding(mesh, P()))
assert {shard.data.shape for shard in points.addressable_shards} == {(250, 3)}

traced = program.trace(jnp)
error = jax.jit(jax.value_and_grad(lambda w, x: traced(x, w).sum()))
E, dE_dw = error(weights, points)
expected, gradient = program.value_and_grad(data, theta)
assert np.isclose(E, expected, rtol=1e-12)
assert np.allclose(dE_dw, gradient, rtol=1e-11, atol=1e-12)
assert "all-reduce" in error.lower(weights, points).compile().as_text()
"""


@pytest.mark.slow
def test_data_on_four_devices_give_the_same_sums() -> None:
    pytest.importorskip("jax", reason="needs JAX")
    flags = "--xla_force_host_platform_device_count=4"
    run_python("-c", SCRIPT, XLA_FLAGS=flags, JAX_PLATFORMS="cpu")
