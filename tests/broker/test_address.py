"""One URL of Redis, read once, means the same to every client."""

import pytest
from redis import SSLConnection, UnixDomainSocketConnection

from casework.broker.address import client, connection_options, display
from casework.broker.app import make_app
from casework.errors import InvalidSettings


def kombu_options(url):
    """What Celery's connection is made with."""
    app = make_app(lambda: url, lambda: "p:", lambda: 1.0)
    with app.connection() as connection:
        transport = connection.transport
        assert connection.transport_cls == "casework"
        channel_class = transport.Channel
        channel = channel_class.__new__(channel_class)
        channel.connection = transport
        channel.redis_url = url
        return channel._connparams()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://h:7/3", {"host": "h", "port": 7, "db": 3}),
        ("redis://u:p%40ss@h/0", {"host": "h", "username": "u", "password": "p@ss", "db": 0}),
        ("redis://[::1]:6379/1", {"host": "::1", "db": 1}),
        ("unix:///run/redis.sock?db=3", {"path": "/run/redis.sock", "db": 3}),
        ("redis+socket:///run/redis.sock?db=3", {"path": "/run/redis.sock", "db": 3}),
        ("redis+socket:///run/redis.sock?virtual_host=3", {"path": "/run/redis.sock", "db": 3}),
        ("unix://u:p@/run/redis.sock", {"path": "/run/redis.sock", "username": "u", "password": "p"}),
        ("rediss://h/2", {"host": "h", "db": 2, "ssl_cert_reqs": "required"}),
        ("rediss://h?ssl_cert_reqs=CERT_REQUIRED", {"ssl_cert_reqs": "required"}),
        ("rediss://h?ssl_cert_reqs=none", {"ssl_cert_reqs": "none"}),
        ("rediss://h?ssl_ca_certs=/etc/ca.pem", {"ssl_ca_certs": "/etc/ca.pem", "ssl_cert_reqs": "required"}),
    ],
)
def test_each_form_means_the_same_to_redis_and_to_celery(url, expected):
    options = connection_options(url)
    given = client(url).connection_pool.connection_kwargs
    celery = kombu_options(url)
    for name, value in expected.items():
        assert options[name] == given[name] == celery[name] == value
    wanted = UnixDomainSocketConnection if "path" in expected else SSLConnection if url.startswith("rediss") else None
    if wanted:
        assert options["connection_class"] is wanted
        assert issubclass(celery["connection_class"], wanted)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://h?ssl_cert_req=none", "Did you mean 'ssl_cert_reqs'?"),
        ("rediss://h?ssl_cert_reqs=maybe", "none, optional or required"),
        ("redis://h:port/0", "port is not a number"),
        ("redis://h?db=x", "write redis://user:password@host:6379/0"),
        ("redis://h/x", "the number of a database"),
        ("redis://h/-1", "the number of a database"),
        ("redis://h/1/2", "the number of a database"),
        ("redis://:12/3@h", "in a password write / as %2F"),
        ("redis://h/0#x", "write # as %23"),
        ("redis://h/2?db=3", "given twice"),
        ("redis://?host=h", "belongs before"),
        ("redis://h?path=/run/redis.sock", "belongs before"),
        ("redis://h/2?virtual_host=3", "given twice"),
        ("redis://h?db=1&db=2", "db is given twice"),
        ("redis://h?ssl_ca_certs=/etc/ca.pem", "rediss://"),
        ("redis://h?decode_responses=true", "unknown option 'decode_responses'"),
        ("redis://h?protocol=3", "unknown option 'protocol'"),
        ("unix://run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_what_cannot_be_translated_is_refused_with_the_form_that_can(url, message):
    with pytest.raises(InvalidSettings) as refused:
        connection_options(url)
    assert message in str(refused.value)


def test_no_secret_is_shown():
    secret = "s3cret"
    for url in (f"redis://u:{secret}@h/0", f"unix://u:{secret}@/run/x.sock", f"redis://h/0?password={secret}"):
        app = make_app(lambda url=url: url, lambda: "p:", lambda: 1.0)
        with app.connection() as connection:
            assert secret not in connection.as_uri()
        assert secret not in display(url)
    with pytest.raises(InvalidSettings) as refused:
        connection_options(f"redis://u:{secret}@x@h:y/0")
    assert secret not in str(refused.value)
