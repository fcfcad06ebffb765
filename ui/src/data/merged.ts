type Keys<U> = U extends unknown ? keyof U : never;
type Value<U, K> = U extends unknown ? (K extends keyof U ? U[K] : never) : never;

/**
 * A union of the API's node types as one type, in which what not all of them have is optional. So a page can ask
 * "is there a partition count?" where it does not care what the node is; what has none simply shows none.
 */
export type Merged<U> = Pick<U, keyof U> & { [K in Exclude<Keys<U>, keyof U>]?: Value<U, K> };
