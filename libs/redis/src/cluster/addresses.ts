/** The addresses of a list that commas separate. A comma within a password separates nothing. */
export const redisAddresses = (list: string): string[] => list.split(/,\s*(?=rediss?:)/).map((url) => url.trim());

/** Whether the list names several nodes: then they are those of a Redis Cluster. */
export const namesCluster = (list: string): boolean => redisAddresses(list).length > 1;
