'use strict';

const http = require('http');

/** A router that matches paths with named parameters, such as /users/:id. */
class Router {
  constructor() {
    this.routes = [];
  }

  add(method, pattern, handler) {
    const names = [];
    const source = pattern.replace(/:(\w+)/g, (match, name) => {
      names.push(name);
      return '([^/]+)';
    });
    this.routes.push({ method, names, handler, expression: new RegExp('^' + source + '$') });
  }

  get(pattern, handler) {
    this.add('GET', pattern, handler);
  }

  post(pattern, handler) {
    this.add('POST', pattern, handler);
  }

  handle(request, response) {
    for (const route of this.routes) {
      const match = route.expression.exec(request.url);
      if (match === null || route.method !== request.method) {
        continue;
      }
      const params = {};
      route.names.forEach((name, index) => {
        params[name] = decodeURIComponent(match[index + 1]);
      });
      return route.handler(request, response, params);
    }
    response.statusCode = 404;
    response.end('Not found\n');
  }

  listen(port, callback) {
    const server = http.createServer((request, response) => this.handle(request, response));
    server.listen(port, callback);
    return server;
  }
}

module.exports = { Router };
