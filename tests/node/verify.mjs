// Verifies requests with the official library for JavaScript: a line of JSON in, "verified" or the reason out.
import { createInterface } from 'node:readline'
import { Webhook } from 'standardwebhooks'

for await (const line of createInterface({ input: process.stdin })) {
  const { secret, body, headers } = JSON.parse(line)
  try {
    new Webhook(secret).verify(Buffer.from(body, 'base64'), headers)
    console.log('verified')
  } catch (error) {
    console.log(error.message)
  }
}
