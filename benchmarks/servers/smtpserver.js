// Accepts every recipient and forgets every message; see smtpserver.py.
"use strict";

const { readFileSync } = require("fs");
const { SMTPServer } = require("smtp-server");

const [host, port, tls, certificate, size, backlog] = process.argv.slice(2);
const pem = tls === "none" ? undefined : readFileSync(certificate);

const server = new SMTPServer({
    secure: tls === "implicit",
    key: pem,
    cert: pem,
    disabledCommands: tls === "starttls" ? ["AUTH"] : ["AUTH", "STARTTLS"],
    disableReverseLookup: true,
    size: Number(size),
    onMailFrom: (address, session, callback) => callback(),
    onRcptTo: (address, session, callback) => callback(),
    onData: (stream, session, callback) => {
        stream.on("end", () => callback());
        stream.resume();
    },
});
// A client that goes away during a handshake would end the process.
server.on("error", () => {});
server.listen({ host, port: Number(port), backlog: Number(backlog) });
