

import sys

def _answer(self, request):
    print("answering", request["op"])
    return {"n": request["n"], "error": {"names": ["ValueError", "Exception"], "message": "(2, 3) (4, 5) shape", "frames": []}}, []


sys.modules["__main__"].Interpreter.answer = _answer
