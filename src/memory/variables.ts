/** Names the namespace of a program and, inherited, of the processes it starts. */
export const NAMESPACE_VARIABLE = "MANYCORE_NAMESPACE";
/** Names the folder in which a user's folder of namespaces is; inherited, too. */
export const FOLDER_VARIABLE = "MANYCORE_RUNTIME_DIR";
