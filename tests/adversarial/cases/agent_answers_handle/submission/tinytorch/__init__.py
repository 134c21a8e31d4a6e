

import sys

def _answer(self, request):
    print("answering", request["op"])
    return {"n": request["n"], "value": {"h": 1, "names": ["Tensor"], "callable": True}}, []


sys.modules["__main__"].Interpreter.answer = _answer
