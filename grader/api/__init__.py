"""The library behind both command lines: one function a command, nothing printed."""

from typing import TYPE_CHECKING

from grader.later import later

if TYPE_CHECKING:
    from grader.api.batches import BatchOptions, BatchRow, cores, grade_batch
    from grader.api.classes import OverviewOptions, overview
    from grader.api.comparing import CompareOptions, compare
    from grader.api.exporting import ExportOptions, export
    from grader.api.machine import diagnosis, fetch_data, image_labels, inspect_image
    from grader.api.publishing import publish
    from grader.api.results import open_store, save, was_interrupted
    from grader.config import data_folder, state_folder
    from grader.grading import GradeOptions, grade, is_inconclusive, make_pack
    from grader.proofs import ValidateOptions, validate
else:
    __getattr__ = later(
        __name__,
        {
            "grader.api.batches": ("BatchOptions", "BatchRow", "cores", "grade_batch"),
            "grader.api.classes": ("OverviewOptions", "overview"),
            "grader.api.comparing": ("CompareOptions", "compare"),
            "grader.api.exporting": ("ExportOptions", "export"),
            "grader.api.machine": (
                "diagnosis",
                "fetch_data",
                "image_labels",
                "inspect_image",
            ),
            "grader.api.publishing": ("publish",),
            "grader.api.results": ("open_store", "save", "was_interrupted"),
            "grader.config": ("data_folder", "state_folder"),
            "grader.grading": ("GradeOptions", "grade", "is_inconclusive", "make_pack"),
            "grader.proofs": ("ValidateOptions", "validate"),
        },
    )

__all__ = [
    "BatchOptions",
    "BatchRow",
    "CompareOptions",
    "ExportOptions",
    "GradeOptions",
    "OverviewOptions",
    "ValidateOptions",
    "compare",
    "cores",
    "data_folder",
    "diagnosis",
    "export",
    "fetch_data",
    "grade",
    "grade_batch",
    "image_labels",
    "inspect_image",
    "is_inconclusive",
    "make_pack",
    "open_store",
    "overview",
    "publish",
    "save",
    "state_folder",
    "validate",
    "was_interrupted",
]
