"""gRPC through the edge: TLS and HTTP/2 from the client, h2c or HTTP/2 over TLS to the server, all four kinds of call."""

import concurrent.futures
import contextlib
import pathlib
import queue
import signal
import sys
import threading

import grpc
import pytest
from grpc_tools import protoc

from certificates_test import serial
from support.edge import eventually, free_port, running

HERE = pathlib.Path(__file__).parent


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The classes of echo.proto, made now."""
    folder = tmp_path_factory.mktemp("proto")
    assert protoc.main(["protoc", f"-I{HERE}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(HERE / "echo.proto")]) == 0
    sys.path.insert(0, str(folder))
    import echo_pb2
    import echo_pb2_grpc
    yield echo_pb2, echo_pb2_grpc
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def server(generated, pair):
    """Its ports: without TLS, and with."""
    messages, services = generated

    class Echo(services.EchoServicer):
        waiting = threading.Event()

        def Say(self, request, context):
            context.send_initial_metadata((("x-initial", "first"),))
            context.set_trailing_metadata((("x-trailing", "last"),))
            if request.text == "fail":
                context.abort(grpc.StatusCode.FAILED_PRECONDITION, "as you wish / ünicode")
            if request.text == "wait":
                self.waiting.wait(20)
            return messages.Words(text=request.text.upper())

        def Split(self, request, context):
            for word in request.text.split():
                yield messages.Words(text=word)

        def Join(self, request_iterator, context):
            return messages.Words(text=" ".join(w.text for w in request_iterator))

        def Talk(self, request_iterator, context):
            for word in request_iterator:
                yield messages.Words(text=word.text.upper())

    running_server = grpc.server(concurrent.futures.ThreadPoolExecutor(16))
    services.add_EchoServicer_to_server(Echo(), running_server)
    ports = {"h2c": running_server.add_insecure_port("127.0.0.1:0"),
             "tls": running_server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(pair.key, pair.chain)]))}
    running_server.start()
    yield ports
    Echo.waiting.set()
    running_server.stop(None)


@pytest.fixture(scope="module")
def connected(generated, authority):
    """connected(edge): a context with a stub that calls through this edge."""

    @contextlib.contextmanager
    def connect(edge):
        with grpc.secure_channel(f"127.0.0.1:{edge.port}", grpc.ssl_channel_credentials(authority.pem),
                                 [("grpc.ssl_target_name_override", "www.example.com"), ("grpc.enable_http_proxy", 0)]) as channel:
            yield generated[1].EchoStub(channel)

    return connect


def to_grpc(settings, port, **more):
    return settings(None, routes=[{"backend": "grpc"}],
                    backends={"grpc": {"endpoints": [f"127.0.0.1:{port}"], "protocol": "http2", **more}})


@pytest.fixture(scope="module", params=["h2c", "tls"])
def client(request, server, connected, settings, ca, tmp_path_factory):
    tls = {"tls": {"ca_certificates": str(ca), "server_name": "www.example.com"}} if request.param == "tls" else {}
    with running(tmp_path_factory.mktemp("edge"), to_grpc(settings, server[request.param], **tls)) as edge:
        with connected(edge) as stub:
            yield stub


@pytest.fixture
def words(generated):
    return lambda text: generated[0].Words(text=text)


def test_unary(client, words):
    answer, call = client.Say.with_call(words("hello"), timeout=10)
    assert answer.text == "HELLO"
    assert ("x-initial", "first") in [tuple(m) for m in call.initial_metadata()]
    assert ("x-trailing", "last") in [tuple(m) for m in call.trailing_metadata()]


def test_a_failure_arrives_with_its_status_and_words(client, words):
    with pytest.raises(grpc.RpcError) as failure:
        client.Say(words("fail"), timeout=10)
    assert failure.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert failure.value.details() == "as you wish / ünicode"


def test_server_streaming(client, words):
    assert [w.text for w in client.Split(words("a b c"), timeout=10)] == ["a", "b", "c"]


def test_client_streaming(client, words):
    assert client.Join(iter([words("a"), words("b"), words("c")]), timeout=10).text == "a b c"


def test_bidirectional_streaming_is_a_conversation(client, words):
    """Each word is sent only after the answer to the one before it."""
    answered = threading.Semaphore(1)

    def say():
        for text in ("one", "two", "three"):
            assert answered.acquire(timeout=10)
            yield words(text)

    heard = []
    for word in client.Talk(say(), timeout=20):
        heard.append(word.text)
        answered.release()
    assert heard == ["ONE", "TWO", "THREE"]


def test_large_messages(client, words):
    assert len(client.Say(words("x" * 3_000_000), timeout=20).text) == 3_000_000


def test_a_deadline_of_the_client_cancels(client, words):
    with pytest.raises(grpc.RpcError) as failure:
        client.Say(words("wait"), timeout=0.5)
    assert failure.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    assert client.Say(words("after"), timeout=10).text == "AFTER"


def test_many_calls_at_once(client, words):
    calls = [client.Say.future(words(f"n{i}"), timeout=20) for i in range(200)]
    assert [c.result().text for c in calls] == [f"N{i}" for i in range(200)]


def test_no_server_is_unavailable(connected, words, run_edge, settings):
    edge = run_edge(to_grpc(settings, free_port()))
    with connected(edge) as stub, pytest.raises(grpc.RpcError) as failure:
        stub.Say(words("x"), timeout=10)
    assert failure.value.code() == grpc.StatusCode.UNAVAILABLE


class Conversation:
    """A call of Talk that is kept open: each word is said by the test."""

    def __init__(self, stub, words):
        self.said, self.words = queue.Queue(), words
        self.heard = stub.Talk(iter(self.said.get, None), timeout=60)

    def echo(self, text):
        self.said.put(self.words(text))
        assert next(self.heard).text == text.upper()

    def end(self):
        self.said.put(None)
        assert list(self.heard) == [] and self.heard.code() == grpc.StatusCode.OK


def test_a_call_lives_on_through_reloads_and_a_swapped_certificate(connected, words, server, run_edge, settings, authority, tmp_path):
    crt, key = authority.issue("www.example.com").write(tmp_path)
    values = to_grpc(settings, server["h2c"])
    values["certificates"] = [{"files": {"certificate": str(crt), "key": str(key)}}]
    edge = run_edge(values)
    with connected(edge) as stub:
        talk = Conversation(stub, words)
        talk.echo("before")
        fresh = authority.issue("www.example.com")
        fresh.write(tmp_path)
        eventually(lambda: serial(edge) == fresh.serial, what="the new certificate")
        talk.echo("swapped")
        edge.reload(routes=[{"backend": "grpc", "name": "renamed"}], limits={"header_count": 50})
        talk.echo("reloaded")
        edge.reload(routes=[{"respond": {"body": "gone"}}], backends={})
        talk.echo("without a route")
        talk.end()


def test_a_call_in_flight_ends_well_while_the_edge_drains(connected, words, server, run_edge, settings):
    values = to_grpc(settings, server["h2c"])
    values["drain"] = {"grace": "50ms", "deadline": "20s"}
    edge = run_edge(values)
    with connected(edge) as stub:
        talk = Conversation(stub, words)
        talk.echo("before")
        edge.signal(signal.SIGTERM)
        eventually(lambda: edge.readiness()["draining"])
        talk.echo("draining")
        talk.end()
    assert edge.process.wait(10) == 0
