"""Models for other engines: ONNX, whose graph says the same and does not skip."""

from skimrnn.export.agreement import Agreement, compare
from skimrnn.export.onnx_model import Exported, export_onnx, to_onnx

__all__ = ["Agreement", "Exported", "compare", "export_onnx", "to_onnx"]
