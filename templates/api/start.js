// validatorUrl: the default asks a foreign host to judge the document.
SwaggerUIBundle({ url: "openapi.json", dom_id: "#calls", deepLinking: true, validatorUrl: null });
