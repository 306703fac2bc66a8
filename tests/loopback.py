"""One HTTP client for what tests ask on this machine.

`httpx.get` reads every certificate authority anew at each call, which takes longer than the call; here nothing speaks TLS.
"""

import httpx

# Nothing is kept open: servers of tests come and go on the same ports.
http = httpx.Client(trust_env=False, verify=False, limits=httpx.Limits(max_keepalive_connections=0))  # noqa: S501
