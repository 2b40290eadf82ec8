"""A backend as a program: answers every request with JSON that says which Pod it is and what it received.

Listens on POD_IP at each port of POD_PORTS (or PORT), and is told TITLE, POD_NAME and POD_NAMESPACE. `/status/503` answers with
that status, `/delay/0.5` after so many seconds. SIGTERM lets what is being answered finish.
"""

import asyncio
import json
import os
import signal

ABOUT = {"title": os.environ.get("TITLE", ""), "pod": os.environ.get("POD_NAME", ""),
         "namespace": os.environ.get("POD_NAMESPACE", ""), "address": os.environ.get("POD_IP", "127.0.0.1")}
busy = 0
ending = False


async def read_body(reader, headers):
    if "chunked" in headers.get("transfer-encoding", "").lower():
        body = b""
        while size := int((await reader.readline()).split(b";")[0], 16):
            body += await reader.readexactly(size)
            await reader.readline()
        while (await reader.readline()).strip():
            pass
        return body
    return await reader.readexactly(int(headers.get("content-length", 0)))


async def answer(reader, writer, line, port):
    method, target, version = line.decode("latin-1").split()
    headers = {}
    while field := (await reader.readline()).decode("latin-1").strip():
        name, _, value = field.partition(":")
        name = name.lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    body = await read_body(reader, headers)
    words = target.split("?")[0].strip("/").split("/")
    status = int(words[1]) if words[0] == "status" and len(words) == 2 else 200
    if words[0] == "delay" and len(words) == 2:
        await asyncio.sleep(float(words[1]))
    told = json.dumps({**ABOUT, "port": port, "method": method, "target": target, "host": headers.get("host", ""),
                       "headers": headers, "body": body.decode("latin-1")}).encode()
    keep = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close" and not ending
    head = (f"HTTP/1.1 {status} Answer\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n"
            f"Connection: {'keep-alive' if keep else 'close'}\r\n\r\n")
    writer.write(head.encode() + (b"" if method == "HEAD" else told))
    await writer.drain()
    return keep


async def serve(reader, writer):
    global busy
    port = writer.get_extra_info("sockname")[1]
    try:
        while line := await reader.readline():
            busy += 1
            try:
                if not await answer(reader, writer, line, port):
                    break
            finally:
                busy -= 1
    except (OSError, ValueError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    global ending
    ports = os.environ.get("PORT") or os.environ.get("POD_PORTS") or "8080"
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    servers = [await asyncio.start_server(serve, ABOUT["address"], int(port), backlog=512) for port in ports.split(",")]
    await stop.wait()
    ending = True
    # New connections still come while the Pod is being taken out of its endpoints.
    await asyncio.sleep(float(os.environ.get("LINGER", "0.5")))
    for server in servers:
        server.close()
    while busy:
        await asyncio.sleep(0.02)


asyncio.run(main())
