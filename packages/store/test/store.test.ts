import { places } from './_util/places.js'
import { storeContract } from './store.contract.js'

for (const [name, makePlace] of Object.entries(places)) storeContract(name, makePlace)
