"""The conformance tests of jupyter_kernel_test, for gradbook's kernelspec (found through JUPYTER_PATH)."""
import unittest

import jupyter_kernel_test


class GradbookTests(jupyter_kernel_test.KernelTests):
    kernel_name = "gradbook"
    language_name = "typescript"
    file_extension = ".ts"
    code_hello_world = "console.log('hello, world')"
    code_stderr = "console.error('oops')"
    completion_samples = [{"text": "Math.ma", "matches": {"max"}}, {"text": "%timei", "matches": {"timeit"}}]
    complete_code_samples = ["1", "const x = 1", "function f() { return 1 }"]
    incomplete_code_samples = ["function f() {", "const x = [1,", "`open"]
    invalid_code_samples = ["const const = 1", "1 +* 2"]
    code_page_something = "?Math"
    code_generate_error = "throw new Error('wrong')"
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": "'a' + 'b'", "result": "'ab'"},
        {"code": "[1, 2].map((n) => n * 2)", "result": "[ 2, 4 ]"},
    ]
    code_display_data = [
        {"code": "display.html('<b>b</b>')", "mime": "text/html"},
        {"code": "display.svg('<svg xmlns=\"http://www.w3.org/2000/svg\"/>')", "mime": "image/svg+xml"},
    ]
    code_history_pattern = "6*7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Math.max"
    code_clear_output = "clearOutput()"


if __name__ == "__main__":
    unittest.main(verbosity=2)
