// Every expected "no" of a deployment: an HTTP status and the server's `{code, message}`.

export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }

  get body() {
    return { code: this.code, message: this.message };
  }
}

export const badRequest = (code, message) => new Refusal(400, code, message);

/** A path that the stand-in does not know; the request log marks it. */
export class UnknownPath extends Refusal {
  constructor(method, path) {
    super(404, "SandboxUnknownPath", `the sandbox does not know ${method} ${path} of a Convex deployment`);
  }
}
