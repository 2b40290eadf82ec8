"""NameServer: answers DNS questions about the zones of Azure DNS, over UDP and TCP, from a thread of the test."""

import contextlib
import select
import socket
import struct
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

from support.edge import free_port

from .server import LOOPBACK


class NameServer:
    """Authoritative for the zones, in each of which every name is 127.0.0.1, as is every name elsewhere. `lag`: so many seconds
    behind what Resource Manager was told. `questions` are (name, type) of all that was asked."""

    def __init__(self, zones):
        self._zones = zones
        self.lag = 0.0
        self.questions = []
        self.port = free_port()
        self.address = f"{LOOPBACK}:{self.port}"
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tcp = socket.socket()
        self._tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for each in (self._udp, self._tcp):
            each.bind((LOOPBACK, self.port))
        self._tcp.listen(32)
        self._over, self._wake = socket.socketpair()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self):
        self._wake.close()

    def _run(self):
        with self._udp, self._tcp, self._over:
            while True:
                ready = select.select([self._udp, self._tcp, self._over], [], [])[0]
                if self._over in ready:
                    return
                if self._udp in ready:
                    question, client = self._udp.recvfrom(4096)
                    if answer := self._answer(question):
                        self._udp.sendto(answer.to_wire(max_size=1232), client)
                if self._tcp in ready:
                    threading.Thread(target=self._stream, args=(self._tcp.accept()[0],), daemon=True).start()

    def _stream(self, connection):
        connection.settimeout(10)
        with connection, contextlib.suppress(OSError), connection.makefile("rwb") as stream:
            while len(head := stream.read(2)) == 2:
                answer = self._answer(stream.read(struct.unpack("!H", head)[0]))
                if answer is None:
                    return
                content = answer.to_wire()
                stream.write(struct.pack("!H", len(content)) + content)
                stream.flush()

    # ---- what it says

    def _answer(self, wire):
        try:
            query = dns.message.from_wire(wire)
        except Exception:  # noqa: BLE001  what is no question gets no answer
            return None
        response = dns.message.make_response(query)
        if len(query.question) != 1:
            response.set_rcode(dns.rcode.FORMERR)
            return response
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.questions.append((name, dns.rdatatype.to_text(question.rdtype)))
        self._fill(response, name, question.rdtype)
        return response

    def _zone_of(self, name):
        """The zone with the longest name that holds it."""
        holding = [zone for zone in list(self._zones) if zone.relative(name) is not None]
        return max(holding, key=lambda zone: len(zone.name), default=None)

    def _fill(self, response, name, kind):
        zone = self._zone_of(name)
        if zone is None:
            if kind == dns.rdatatype.A:
                self._add(response.answer, name, 60, "A", LOOPBACK)
            return
        response.flags |= dns.flags.AA
        relative = zone.relative(name)
        if relative in zone.aliases and kind != dns.rdatatype.CNAME:
            target = zone.aliases[relative]
            self._add(response.answer, name, 60, "CNAME", target + ".")
            self._fill(response, target.lower(), kind)
            return
        found = self._records(zone, relative, kind)
        for ttl, text in found:
            self._add(response.answer, name, ttl, dns.rdatatype.to_text(kind), text)
        if not found:
            self._add(response.authority, zone.name, 60, "SOA", self._soa(zone))

    def _records(self, zone, relative, kind):
        """(TTL, text) of each."""
        if kind == dns.rdatatype.TXT:
            ttl, values = zone.published(relative, self.lag) or (0, [])
            return [(ttl, " ".join('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in each)) for each in values]
        if kind == dns.rdatatype.CNAME and relative in zone.aliases:
            return [(60, zone.aliases[relative] + ".")]
        if kind == dns.rdatatype.A:
            return [(60, LOOPBACK)]
        at_apex = {dns.rdatatype.SOA: self._soa(zone), dns.rdatatype.NS: f"ns1.{zone.name}."}
        return [(60, at_apex[kind])] if relative == "@" and kind in at_apex else []

    @staticmethod
    def _soa(zone):
        return f"ns1.{zone.name}. hostmaster.{zone.name}. 1 3600 600 86400 60"

    @staticmethod
    def _add(section, name, ttl, kind, text):
        for each in section:
            if each.name.to_text(omit_final_dot=True) == name and dns.rdatatype.to_text(each.rdtype) == kind:
                each.add(dns.rrset.from_text(name + ".", ttl, "IN", kind, text)[0])
                return
        section.append(dns.rrset.from_text(name + ".", ttl, "IN", kind, text))
