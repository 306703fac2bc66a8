"""Addresses nobody may be made to ask (T13): loopback, private, link-local and wrapped forms, odd spellings, odd ports.

`PORT` stands for a live sink's port on loopback, so that a request that got through would be counted there.
"""

HOSTS_V4 = [
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "0.0.0.1", "2130706433", "0x7f000001",
    "0x7f.0.0.1", "0x7f.1", "0177.0.0.1", "0177.1", "017700000001", "127.0.0.1.", "localhost", "LOCALHOST", "localhost.",
    "10.0.0.1", "10.255.255.255", "10.1", "0x0a000001", "167772161", "172.16.0.1", "172.31.255.255", "172.20.10.2",
    "2886729729", "192.168.0.1", "192.168.1.1", "192.168.255.255", "0xc0a80101", "3232235777", "169.254.169.254",
    "169.254.170.2", "169.254.0.1", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376", "100.64.0.1", "100.100.100.200",
    "100.127.255.254", "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
    "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "192.88.99.1",
]  # fmt: skip
HOSTS_V6 = [
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::127.0.0.1]", "[::7f00:1]", "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]", "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[::ffff:10.0.0.1]",
    "[::ffff:192.168.1.1]", "[::ffff:169.254.169.254]", "[::ffff:a9fe:a9fe]", "[::ffff:100.64.0.1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b::10.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2002:a00:1::]", "[2002:a9fe:a9fe::]", "[2002:c0a8:101::]",
    "[2001:0:7f00:1::]", "[2001:0000:4136:e378:8000:63bf:80ff:fffe]", "[2001:db8::1]", "[2001:10::1]", "[fe80::1]",
    "[fe80::1%25lo]",    "[fe80::a9fe:a9fe]", "[febf::1]", "[fc00::1]", "[fd00::1]", "[fd00:ec2::254]",
    "[fdff:ffff::1]", "[fec0::1]", "[ff02::1]",
    "[ff05::1:3]", "[ff0e::1]", "[100::1]", "[5f00::1]", "[3fff::1]",
]  # fmt: skip
PORTS = ["", ":PORT", ":80", ":8443"]
PATHS = ["/", "/latest/meta-data/", "/?next=https://hooks.slack.com/"]

ODD = [
    "", " ", "https://", "https:///x", "//127.0.0.1:PORT/", "http://127.0.0.1:PORT/", "HTTP://127.0.0.1:PORT/", "http://localhost:PORT/",
    "http://[::1]:PORT/", "http://hooks.slack.com/", "http://hooks.slack.com:PORT/", "ftp://127.0.0.1:PORT/", "file:///etc/passwd",
    "gopher://127.0.0.1:PORT/_x", "dict://127.0.0.1:PORT/", "ldap://127.0.0.1:PORT/", "ws://127.0.0.1:PORT/", "data:text/plain,x",
    "jar:http://127.0.0.1:PORT!/", "javascript:alert(1)", "https:127.0.0.1:PORT", "https:/127.0.0.1:PORT/",
    "https:\\\\127.0.0.1:PORT\\",
    "https://hooks.slack.com@127.0.0.1:PORT/", "https://hooks.slack.com:443@127.0.0.1:PORT/", "https://u:p@127.0.0.1:PORT/",
    "https://@127.0.0.1:PORT/", "https://127.0.0.1:PORT@hooks.slack.com/", "https://hooks.slack.com\\@127.0.0.1:PORT/",
    "https://127.0.0.1:PORT\\@hooks.slack.com/", "https://hooks.slack.com#@127.0.0.1:PORT/\\", "https://hooks.slack.com\t.127.0.0.1:PORT/",
    "https://hooks.slack.com\n@127.0.0.1:PORT/", "https://hooks.slack.com\r\nHost: 127.0.0.1/", "https://127.0.0.1\x00.slack.com:PORT/",
    "https://127.0.0.1%00:PORT/", "https://127.0.0.1%2f@hooks.slack.com/", "https://127。0。0。1:PORT/", "https://①②⑦.0.0.1:PORT/",
    "https://ⓛocalhost:PORT/", "https://loc\u00adalhost:PORT/", "https://localhos\u200bt:PORT/", "https://127.0.0.1:99999/",
    "https://127.0.0.1:-1/", "https://127.0.0.1:0x1bb/", "https://127.0.0.1:PORT:443/", "https://[::1/", "https://::1]:PORT/",
    "https://[127.0.0.1]:PORT/", "https://[::1].hooks.slack.com/", "https://[v1.127.0.0.1]:PORT/", "https://.127.0.0.1:PORT/",
    "https://127..0.0.1:PORT/", "https://-:PORT/", "https://%6c%6f%63%61%6c%68%6f%73%74:PORT/", "https://*:PORT/", "https://hooks.slack.com:22/",
    "https://hooks.slack.com:8080/", "https://hooks.slack.com:25/", "https://hooks.slack.com:0/", "https://hooks.slack.com.evil.invalid/",
    "https://evilhooks.slack.com/", "https://slack.com/", "https://x.slack.com/", "https://hooks.slack.com.invalid/",
    f"https://hooks.slack.com/{'a' * 3000}", f"https://{'a' * 64}.example/", f"https://{'a.' * 200}example/",
    "https://hooks.slack.com /",
    " https://hooks.slack.com:8443/", "https://xn--/", "https://ho\uff0fooks.slack.com/", "https://hooks\uff0eslack\uff0ecom/",
]  # fmt: skip


def corpus(port: int) -> list[str]:
    """Every host with every port, paths in turn, then the odd ones."""
    hosts = [*HOSTS_V4, *HOSTS_V6]
    built = [
        f"https://{host}{at}{PATHS[(place + turn) % len(PATHS)]}"
        for place, host in enumerate(hosts)
        for turn, at in enumerate(PORTS)
    ]
    return [url.replace("PORT", str(port)) for url in (*built, *ODD)]
