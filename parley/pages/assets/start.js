// Starts the viewer. Everything that would ask another host for something is switched off.
Scalar.createApiReference("#contract", {
  sources: [
    { url: "/openapi.json", title: "REST, v1", slug: "rest", default: true },
    { url: "/v2/openapi.json", title: "REST, v2 (beta)", slug: "v2" },
    { url: "/asyncapi.json", title: "The socket", slug: "socket" },
  ],
  withDefaultFonts: false,
  telemetry: false,
  showDeveloperTools: "never",
  hideClientButton: true,
  agent: { disabled: true },
  mcp: { disabled: true },
  persistAuth: false,
});
