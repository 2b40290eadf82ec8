"""The application gateway that tests start with: one listener by HTTP, one by TLS for each host, a pool, a rule for each."""


def starting_resource(identifier, hosts=()):
    """`hosts` maps a host name to the name of a certificate, and becomes a listener each; none: only plain HTTP."""
    def reference(collection, name):
        return {"id": f"{identifier}/{collection}/{name}"}

    subscription = identifier.split("/providers/")[0]
    listeners = [listener("plain", reference, 80, "Http")]
    for number, (host, certificate) in enumerate(dict(hosts).items()):
        listeners.append(listener(f"tls-{number}", reference, 443, "Https", host, reference("sslCertificates", certificate)))
    return {
        "location": "westeurope", "tags": {"team": "edge"},
        "identity": {"type": "UserAssigned", "userAssignedIdentities": {
            f"{subscription}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/gateway": {}}},
        "properties": {
            "sku": {"name": "Standard_v2", "tier": "Standard_v2", "capacity": 2},
            "gatewayIPConfigurations": [named("ip", subnet={
                "id": f"{subscription}/providers/Microsoft.Network/virtualNetworks/net/subnets/gateway"})],
            "sslCertificates": [],
            "frontendIPConfigurations": [named("public", publicIPAddress={
                "id": f"{subscription}/providers/Microsoft.Network/publicIPAddresses/edge"})],
            "frontendPorts": [named("port-80", port=80), named("port-443", port=443)],
            "backendAddressPools": [named("pool", backendAddresses=[{"ipAddress": "10.0.1.1"}])],
            "backendHttpSettingsCollection": [named("settings", port=80, protocol="Http", cookieBasedAffinity="Disabled",
                                                    requestTimeout=30)],
            "httpListeners": listeners,
            "requestRoutingRules": [named(f"rule-{each['name']}", ruleType="Basic", priority=10 + number,
                                          httpListener=reference("httpListeners", each["name"]),
                                          backendAddressPool=reference("backendAddressPools", "pool"),
                                          backendHttpSettings=reference("backendHttpSettingsCollection", "settings"))
                                    for number, each in enumerate(listeners)],
        }}


def listener(name, reference, port, protocol, host=None, certificate=None):
    made = named(name, frontendIPConfiguration=reference("frontendIPConfigurations", "public"),
                 frontendPort=reference("frontendPorts", f"port-{port}"), protocol=protocol)
    if host:
        made["properties"] |= {"hostNames": [host], "sslCertificate": certificate, "requireServerNameIndication": True}
    return made


def named(name, **properties):
    return {"name": name, "properties": properties}
