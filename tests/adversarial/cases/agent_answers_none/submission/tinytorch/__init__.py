

import sys

def _answer(self, request):
    print("answering", request["op"])
    return {"n": request["n"], "value": None}, []


sys.modules["__main__"].Interpreter.answer = _answer
