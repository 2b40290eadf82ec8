"""gRPC through the edge: TLS and HTTP/2 from the client, h2c to the server, all four kinds of call."""

import concurrent.futures
import pathlib
import sys
import threading

import grpc
import pytest
from grpc_tools import protoc

from support.edge import running

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
def server(generated):
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
    port = running_server.add_insecure_port("127.0.0.1:0")
    running_server.start()
    yield port
    Echo.waiting.set()
    running_server.stop(None)


@pytest.fixture(scope="module")
def client(server, generated, settings, authority, tmp_path_factory):
    values = settings(None, routes=[{"backend": "grpc"}],
                      backends={"grpc": {"endpoints": [f"127.0.0.1:{server}"], "protocol": "http2"}})
    with running(tmp_path_factory.mktemp("edge"), values) as edge:
        credentials = grpc.ssl_channel_credentials(authority.pem)
        with grpc.secure_channel(f"127.0.0.1:{edge.port}", credentials,
                                 [("grpc.ssl_target_name_override", "www.example.com"), ("grpc.enable_http_proxy", 0)]) as channel:
            yield generated[1].EchoStub(channel)


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


def test_no_server_is_unavailable(generated, words, run_edge, settings, authority):
    from support.edge import free_port
    edge = run_edge(settings(None, routes=[{"backend": "grpc"}],
                             backends={"grpc": {"endpoints": [f"127.0.0.1:{free_port()}"], "protocol": "http2"}}))
    with grpc.secure_channel(f"127.0.0.1:{edge.port}", grpc.ssl_channel_credentials(authority.pem),
                             [("grpc.ssl_target_name_override", "www.example.com"), ("grpc.enable_http_proxy", 0)]) as channel:
        with pytest.raises(grpc.RpcError) as failure:
            generated[1].EchoStub(channel).Say(words("x"), timeout=10)
    assert failure.value.code() == grpc.StatusCode.UNAVAILABLE
