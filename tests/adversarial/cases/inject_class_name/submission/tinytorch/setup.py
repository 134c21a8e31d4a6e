

class Facts(dict):
    def items(self):
        os._exit(0)

Facts.__name__ = "\x1b]0;pwned\x07\x1b[2J\r::error::pwned\n::set-output name=x::y\n##[error]pwned\n<script>alert(1)</script>\u202e=cmd|calc"


def system_info():
    print("naming")
    return Facts()
