"""Notebooks that nbclient executes with gradbook's kernelspec (found through JUPYTER_PATH): outputs, errors, interrupts."""
import sys
import unittest

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook


def execute(*sources, **options):
    notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
    NotebookClient(notebook, kernel_name="gradbook", timeout=60, **options).execute()
    nbformat.validate(notebook)
    return notebook


class NotebookTests(unittest.TestCase):
    def test_outputs_and_counts(self):
        notebook = execute("console.log('out'); console.error('err'); 6 * 7", "const x: number = 1", "x + 1")
        first, second, third = notebook.cells
        self.assertEqual([output.output_type for output in first.outputs], ["stream", "stream", "execute_result"])
        self.assertEqual([first.outputs[0].text, first.outputs[1].text], ["out\n", "err\n"])
        self.assertEqual(first.outputs[2].data["text/plain"], "42")
        self.assertEqual(second.outputs, [])
        self.assertEqual([cell.execution_count for cell in notebook.cells], [1, 2, 3])
        self.assertEqual(third.outputs[0].execution_count, 3)
        self.assertEqual(notebook.metadata.language_info.name, "typescript")
        self.assertEqual(notebook.metadata.language_info.file_extension, ".ts")

    def test_displays_are_updated_and_cleared_in_place(self):
        notebook = execute(
            "const shown = display('first', { id: 'one' }); display('second', { id: 'one' }); shown === undefined",
            "console.log('gone'); clearOutput({ wait: true }); console.log('stays')",
        )
        data = [output.data["text/plain"] for output in notebook.cells[0].outputs if "data" in output]
        self.assertIn("'second'", data)
        self.assertEqual([output.text for output in notebook.cells[1].outputs], ["stays\n"])

    def test_an_error_names_the_line(self):
        with self.assertRaises(CellExecutionError) as caught:
            execute("function f() {\n  throw new RangeError('wrong');\n}", "\nf()")
        self.assertEqual((caught.exception.ename, caught.exception.evalue), ("RangeError", "wrong"))
        self.assertIn("Cell In[1], line 2", caught.exception.traceback)
        self.assertIn("Cell In[2], line 2", caught.exception.traceback)

    def test_a_type_error_stops_before_anything_runs(self):
        notebook = execute("console.log('never'); const n: number = 'a'", "1", allow_errors=True)
        self.assertEqual([output.output_type for output in notebook.cells[0].outputs], ["error"])
        self.assertEqual(notebook.cells[1].outputs[0].data["text/plain"], "1")

    def test_a_cell_that_takes_too_long_is_interrupted_and_variables_stay(self):
        notebook = new_notebook(cells=[new_code_cell(source) for source in ("let kept = 5", "while (true);", "kept")])
        NotebookClient(
            notebook, kernel_name="gradbook", timeout=20, timeout_func=lambda cell: 2 if "while" in cell.source else 60,
            interrupt_on_timeout=True, allow_errors=True,
        ).execute()
        self.assertEqual(notebook.cells[1].outputs[0].ename, "Interrupted")
        self.assertEqual(notebook.cells[2].outputs[0].data["text/plain"], "5")

    def test_input_is_refused_where_nobody_can_answer(self):
        notebook = execute("input('name? ')", allow_errors=True)
        self.assertEqual(notebook.cells[0].outputs[0].output_type, "error")


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]], verbosity=2)
