// The document in Swagger UI. "Authorize" takes the token that POST /login gives.
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
});
