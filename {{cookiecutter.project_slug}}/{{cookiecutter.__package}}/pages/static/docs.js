// The API reference in Swagger UI. "Authorize" takes the token that POST /login returns.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
});
