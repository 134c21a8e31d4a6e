

def system_info():
    print("raising")
    raise type("\x1b]0;pwned\x07\x1b[2J\r::error::pwned\n::set-output name=x::y\n##[error]pwned\n<script>alert(1)</script>\u202e=cmd|calc", (Exception,), {})("\x1b]0;pwned\x07\x1b[2J\r::error::pwned\n::set-output name=x::y\n##[error]pwned\n<script>alert(1)</script>\u202e=cmd|calc")
