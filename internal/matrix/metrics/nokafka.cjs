// The client loads its Kafka library whatever it is asked for. The library's binary comes from outside of the registry
// and is not here: it is absent, and whoever uses it fails. Nothing else of the client is touched.
const Module = require('node:module')
const load = Module._load
class Absent {
  constructor() {
    throw new Error('the Kafka library has no binary here')
  }
}
const binary = new Proxy({}, { get: (_, name) => (name === 'features' ? () => '' : name === 'librdkafkaVersion' ? 'absent' : Absent) })
Module._load = function (request, parent, isMain) {
  return request === 'bindings' && parent?.filename?.includes('kafka-javascript') ? () => binary : load.call(this, request, parent, isMain)
}
