// Starts the viewer. Everything that would ask another host for something is switched off.
Scalar.createApiReference("#contract", {
  sources: [
    { url: "/openapi.json", title: "REST", slug: "rest", default: true },
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
